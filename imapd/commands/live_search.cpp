#include "imapd/commands/live_search.h"

#include <algorithm>

#include "common/log/log.h"
#include "imapd/commands/handlers.h"
#include "imapd/service/sorting.h"

namespace dromos::imapd {
namespace {

/// Message numbers mean what they meant when the command came (RFC 5267 §4.3).
void fix_numbers(SearchKey& key, const SearchScope& scope) {
  if (key.kind == SearchKey::Kind::sequence || key.set.saved_result) {
    NumberSet uids;
    if (key.set.saved_result)
      uids = scope.saved;
    else if (scope.version->size() > 0)
      uids = scope.version->uids_of(
          key.set.resolve(scope.version->size()).intersect(NumberSet{{1, scope.version->size()}}));
    key.kind = SearchKey::Kind::uid;
    key.set = {};
    key.set.ranges = uids.ranges();
  }
  for (SearchKey& child : key.children) fix_numbers(child, scope);
}

NumberSet set_of(std::vector<uint32_t> uids) {
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  return NumberSet::of_sorted(uids);
}

/// Pairs of a position and results, as ADDTO and REMOVEFROM list them.
class Pairs {
 public:
  Pairs(const MailboxVersion& version, bool uid) : version_(version), uid_(uid) {}
  /// A result at that place; the next one joins it if it comes `step` after.
  void add(size_t position, uint32_t uid) {
    if (open_.empty() || position != next_) {
      close();
      position_ = position;
    }
    open_.push_back(uid_ ? uid : version_.number_of(uid));
  }
  /// Where the next result must be to join the last.
  void expect(size_t position) { next_ = position; }
  std::string finish() {
    close();
    return std::move(text_);
  }

 private:
  void close() {
    if (open_.empty()) return;
    if (!text_.empty()) text_ += ' ';
    text_ += std::to_string(position_);
    text_ += ' ';
    append_ranges_in_order(text_, open_);
    open_.clear();
  }
  const MailboxVersion& version_;
  const bool uid_;
  std::string text_;
  std::vector<uint32_t> open_;
  size_t position_ = 0;
  size_t next_ = 0;
};

/// Takes `gone` out of the results; the pairs that say so.
std::string remove(LiveSearch& live, const NumberSet& gone, const MailboxVersion& version) {
  Pairs pairs(version, live.uid);
  if (live.keys.empty()) {
    gone.for_each([&](uint32_t uid) { pairs.add(0, uid); });
  } else {
    std::vector<uint32_t> left;
    left.reserve(live.order.size());
    for (const uint32_t uid : live.order) {
      if (!gone.contains(uid)) {
        left.push_back(uid);
        continue;
      }
      // What follows moves up: the next one gone is at the same place if nothing stays between.
      pairs.add(left.size() + 1, uid);
      pairs.expect(left.size() + 1);
    }
    live.order = std::move(left);
  }
  live.members = live.members.subtract(gone);
  return pairs.finish();
}

/// Puts `come` in; `order` is the new order of all of a SORT.
std::string insert(LiveSearch& live, const NumberSet& come, std::vector<uint32_t> order,
                   const MailboxVersion& version) {
  Pairs pairs(version, live.uid);
  if (live.keys.empty()) {
    come.for_each([&](uint32_t uid) { pairs.add(0, uid); });
  } else {
    for (size_t i = 0; i < order.size(); ++i) {
      if (!come.contains(order[i])) continue;
      pairs.add(i + 1, order[i]);
      pairs.expect(i + 2);
    }
    live.order = std::move(order);
  }
  std::vector<NumberRange> all = live.members.ranges();
  all.insert(all.end(), come.ranges().begin(), come.ranges().end());
  live.members = NumberSet(std::move(all));
  return pairs.finish();
}

void write_update(Context& context, const LiveSearch& live, const std::string& removed,
                  const std::string& added) {
  Writer& out = context.out;
  begin_esearch(out, {live.tag, live.mailbox, live.uidvalidity, live.uid});
  if (!removed.empty()) out.raw(" REMOVEFROM (").raw(removed).ch(')');
  if (!added.empty()) out.raw(" ADDTO (").raw(added).ch(')');
  out.crlf();
}

Task<Result<void>> tell(Context& context, LiveSearch& live) {
  const VersionPtr version = context.selected->seen;
  SearchScope scope = scope_of(context);
  const NumberSet pending = set_of(live.pending);
  scope.only = version->numbers_of(pending);
  CO_TRY(const auto numbers, co_await run_search(context.worker, scope, live.program, search_deadline()));
  const NumberSet matching = version->uids_of(NumberSet::of_sorted(numbers));
  const NumberSet before = live.members.intersect(version->uids_of(*scope.only));
  const NumberSet gone = before.subtract(matching);
  const NumberSet come = matching.subtract(before);
  std::vector<uint32_t> order;
  if (!live.keys.empty() && !come.empty()) {
    std::vector<NumberRange> all = live.members.subtract(gone).ranges();
    all.insert(all.end(), come.ranges().begin(), come.ranges().end());
    std::vector<uint32_t> members = list_of(version->numbers_of(NumberSet(std::move(all))));
    CO_TRY(members, co_await sort_messages(context.worker, scope, live.keys, std::move(members), {},
                                           search_deadline()));
    order = uids_in_order(*version, members);
  }
  if (!live.fetch.empty() && come.back() >= live.arrived) {
    const NumberSet fresh = come.intersect(NumberSet{{live.arrived, UINT32_MAX}});
    CO_TRY_VOID(co_await fetch_messages(context, live.fetch, list_of(version->numbers_of(fresh))));
  }
  live.pending.clear();
  live.arrived = UINT32_MAX;
  const std::string removed = gone.empty() ? "" : remove(live, gone, *version);
  const std::string added = come.empty() ? "" : insert(live, come, std::move(order), *version);
  if (!removed.empty() || !added.empty()) write_update(context, live, removed, added);
  co_return Result<void>{};
}

}  // namespace

bool live_tag_in_use(const Context& context, std::string_view tag) {
  const auto& live = context.selected->live;
  return std::any_of(live.begin(), live.end(), [tag](const auto& one) { return one->tag == tag; });
}

void keep_live(Context& context, const EsearchHead& head, const SearchScope& scope, SearchProgram program,
               std::vector<SortKey> keys, const std::vector<uint32_t>& found, std::vector<FetchItem> fetch) {
  auto& all = context.selected->live;
  size_t held = found.size();
  for (const auto& live : all)
    held += live->keys.empty() ? live->members.ranges().size() : live->order.size();
  const bool by_score = std::any_of(keys.begin(), keys.end(),
                                    [](const SortKey& key) { return key.kind == SortKey::Kind::relevancy; });
  if (by_score || all.size() >= kMaxLiveSearches || (!all.empty() && held > kMaxLiveResults)) {
    Writer code;
    code.raw("NOUPDATE ").string(head.tag);
    context.out.untagged_status(Status::no, code.view(),
                                by_score ? "Scores are not kept up to date" : "Too many live searches");
    return;
  }
  auto live = std::make_shared<LiveSearch>();
  live->tag = head.tag;
  live->mailbox = head.mailbox;
  live->uidvalidity = head.uidvalidity;
  live->uid = head.uid;
  live->program = std::move(program);
  fix_numbers(live->program.root, scope);
  live->keys = std::move(keys);
  live->fetch = std::move(fetch);
  std::vector<uint32_t> uids = uids_in_order(*scope.version, found);
  if (!live->keys.empty()) live->order = uids;
  live->members = set_of(std::move(uids));
  all.push_back(std::move(live));
}

void tell_uids(Context& context) {
  for (const auto& live : context.selected->live) live->uid = true;
}

void note_expunged(Context& context, const MailboxVersion& before, std::span<const uint32_t> uids) {
  if (context.selected->live.empty() || uids.empty()) return;
  const NumberSet expunged = NumberSet::of_sorted(uids);
  for (const auto& live : context.selected->live) {
    const NumberSet gone = live->members.intersect(expunged);
    if (!gone.empty()) write_update(context, *live, remove(*live, gone, before), {});
  }
}

void note_changed(Context& context, const VersionDifference& difference) {
  const MailboxVersion& version = *context.selected->seen;
  for (const auto& live : context.selected->live) {
    for (const uint32_t number : difference.changed) live->pending.push_back(version.at(number).uid);
    for (uint32_t i = 0; i < difference.added; ++i) {
      live->pending.push_back(version.at(version.size() - i).uid);
      live->arrived = std::min(live->arrived, live->pending.back());
    }
  }
}

Task<void> tell_live_searches(Context& context) {
  if (!context.selected || context.broken) co_return;
  const auto all = context.selected->live;  // held: they could be cancelled meanwhile
  for (const auto& live : all) {
    if (live->pending.empty()) continue;
    const auto told = co_await tell(context, *live);
    if (!told && !told.error().is(Errc::closed))
      log::info("search.update_failed", {{"trace", context.trace}, {"err", told.error()}});
  }
}

Handled handle_cancel_update(Context& context, const Command& command) {
  auto& all = context.selected->live;
  for (const std::string& tag : command.as<ListOfStrings>().values) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& live) { return live->tag == tag; });
    if (at == all.end()) co_return bad("There is no search with that tag that is being updated");
    all.erase(at);
  }
  co_return ok("No further updates");
}

}  // namespace dromos::imapd
