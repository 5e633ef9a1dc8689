#include "imapd/service/search.h"

#include <algorithm>
#include <cstring>

#include "common/async/offload.h"
#include "common/mime/charset.h"
#include "common/mime/text.h"
#include "imapd/service/message_loader.h"
#include "imapd/service/search_plan.h"

namespace dromos::imapd {
namespace {

using Kind = SearchKey::Kind;

constexpr size_t kBatch = 4096;                       // messages between two turns of other sessions
constexpr uint64_t kMaxRawSearch = 64 * 1024 * 1024;  // octets of one message searched past its extract

struct Candidate {
  uint32_t number = 0;
  uint32_t uid = 0;
  std::vector<Truth> known;
  bool cut = false;  // its extract is not whole
};

bool holds(std::string_view text, std::string_view needle) {
  return memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

bool matches_text(const SearchNode& leaf, const mime::SearchText& text) {
  switch (leaf.kind) {
    case Kind::body:
      return holds(text.body, leaf.needle);
    case Kind::text:
      return holds(text.headers, leaf.needle) || holds(text.body, leaf.needle);
    default:
      return mime::search_header(text.headers, leaf.name, leaf.needle);
  }
}

Truth truth(bool value) {
  return value ? Truth::yes : Truth::no;
}

Candidate* find(std::vector<Candidate>& list, uint32_t uid) {
  const auto at = std::lower_bound(list.begin(), list.end(), uid,
                                   [](const Candidate& c, uint32_t u) { return c.uid < u; });
  return at != list.end() && at->uid == uid ? &*at : nullptr;
}

/// All text of the message, without the extract's bound.
bool matches_raw(const SearchNode& leaf, std::string_view raw) {
  const mime::Facts facts = mime::build_facts(raw);
  const std::string extract = mime::search_text(raw, facts);
  if (matches_text(leaf, mime::split_search_text(extract))) return true;
  if (leaf.kind != Kind::body && leaf.kind != Kind::text) return false;
  for (size_t i = 0; i < facts.tree.parts.size() && i < facts.info.size(); ++i) {
    if (facts.tree.parts[i].kind != mime::PartKind::leaf || !facts.info[i].is_text()) continue;
    if (holds(mime::fold_case(mime::part_text(raw, facts.tree.parts[i], facts.info[i], kMaxRawSearch)),
              leaf.needle))
      return true;
  }
  return false;
}

class Searcher {
 public:
  Searcher(Worker& worker, const SearchScope& scope, const SearchPlan& plan, Deadline deadline)
      : worker_(worker), scope_(scope), plan_(plan), deadline_(deadline) {}

  Task<Result<void>> learn(std::vector<Candidate>& list) {
    for (Candidate& candidate : list) candidate.known.assign(plan_.leaves().size(), Truth::no);
    if (plan_.needs(SearchSource::text)) CO_TRY_VOID(co_await learn_text(list));
    if (plan_.needs(SearchSource::facts)) CO_TRY_VOID(co_await learn_sent(list));
    if (plan_.needs(SearchSource::entry)) CO_TRY_VOID(co_await learn_entry(list));
    co_return Result<void>{};
  }

 private:
  store::UidSet uids(const std::vector<Candidate>& list) const {
    std::vector<uint32_t> all;
    all.reserve(list.size());
    for (const Candidate& candidate : list) all.push_back(candidate.uid);
    return store::UidSet::of(std::move(all));
  }

  Task<Result<void>> learn_text(std::vector<Candidate>& list) {
    auto on_text = [this, &list](const store::Messages::Text& text) {
      Candidate* candidate = find(list, text.uid);
      if (candidate == nullptr) return true;
      const mime::SearchText parts = mime::split_search_text(text.text);
      for (const SearchNode* leaf : plan_.leaves())
        if (leaf->source == SearchSource::text)
          candidate->known[leaf->leaf] = truth(matches_text(*leaf, parts));
      candidate->cut = text.truncated;
      return true;
    };
    CO_TRY_VOID(co_await worker_.messages.stream_text(scope_.mailbox->account(), scope_.mailbox->id(),
                                                      uids(list), on_text, deadline_));
    for (Candidate& candidate : list)
      if (candidate.cut) CO_TRY_VOID(co_await learn_from_raw(candidate));
    co_return Result<void>{};
  }

  Task<Result<void>> learn_from_raw(Candidate& candidate) {
    MessageLoader loader(worker_, scope_.mailbox->account(), scope_.mailbox->id());
    LoadNeeds needs;
    needs.entry = true;
    std::vector<uint32_t> one{candidate.uid};
    CO_TRY(const auto loaded, co_await loader.load(std::move(one), needs, deadline_));
    if (!loaded.front().found) co_return Result<void>{};
    CO_TRY(const auto raw, co_await loader.read(loaded.front(), 0, kMaxRawSearch, deadline_));
    for (const SearchNode* leaf : plan_.leaves()) {
      if (leaf->source != SearchSource::text || candidate.known[leaf->leaf] == Truth::yes) continue;
      const bool found = co_await offload([leaf, &raw] { return matches_raw(*leaf, raw); });
      candidate.known[leaf->leaf] = truth(found);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> learn_sent(std::vector<Candidate>& list) {
    constexpr size_t kFacts = 512;
    MessageLoader loader(worker_, scope_.mailbox->account(), scope_.mailbox->id());
    LoadNeeds needs;
    needs.facts = true;
    for (size_t start = 0; start < list.size(); start += kFacts) {
      std::vector<uint32_t> some;
      for (size_t i = start; i < std::min(start + kFacts, list.size()); ++i) some.push_back(list[i].uid);
      CO_TRY(const auto loaded, co_await loader.load(std::move(some), needs, deadline_));
      for (size_t i = 0; i < loaded.size(); ++i) {
        if (!loaded[i].found) continue;
        const MessageItem& item = scope_.version->at(list[start + i].number);
        CO_TRY(const auto facts, co_await loader.facts(loaded[i], item.size, deadline_));
        // Without a Date field the time of receipt stands in.
        const int64_t day = facts.sent ? day_in_zone(*facts.sent) : day_of(item.received);
        for (const SearchNode* leaf : plan_.leaves())
          if (leaf->source == SearchSource::facts)
            list[start + i].known[leaf->leaf] = compare_day(*leaf, day);
      }
    }
    co_return Result<void>{};
  }

  Task<Result<void>> learn_entry(std::vector<Candidate>& list) {
    auto on_entry = [this, &list](const store::Entry& entry) {
      Candidate* candidate = find(list, entry.uid);
      if (candidate == nullptr) return;
      for (const SearchNode* leaf : plan_.leaves()) {
        if (leaf->source != SearchSource::entry) continue;
        Truth& known = candidate->known[leaf->leaf];
        if (leaf->kind == Kind::email_id)
          known = truth(to_text(entry.id) == leaf->needle);
        else if (leaf->kind == Kind::thread_id)
          known = truth(to_text(entry.thread) == leaf->needle);
        else
          known = compare_day(*leaf, day_of(entry.saved_us / 1'000'000));
      }
    };
    co_return co_await worker_.entries.load(scope_.mailbox->account(), scope_.mailbox->id(), list.front().uid,
                                            list.back().uid, on_entry, deadline_);
  }

  static int64_t day_of(int64_t seconds) {
    return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
  }
  static int64_t day_in_zone(const mime::Date& date) {
    return day_of(date.epoch + int64_t{date.offset_minutes} * 60);
  }
  static Truth compare_day(const SearchNode& leaf, int64_t day) {
    switch (leaf.kind) {
      case Kind::sent_before:
      case Kind::saved_before:
        return truth(day < leaf.value);
      case Kind::sent_on:
      case Kind::saved_on:
        return truth(day == leaf.value);
      default:
        return truth(day >= leaf.value);
    }
  }

  Worker& worker_;
  const SearchScope& scope_;
  const SearchPlan& plan_;
  const Deadline deadline_;
};

}  // namespace

Task<Result<std::vector<uint32_t>>> run_search(Worker& worker, SearchScope scope,
                                               const SearchProgram& program, Deadline deadline) {
  CO_TRY(const SearchPlan plan, SearchPlan::make(scope, program, Clock::now_us() / 1'000'000));
  const KeywordSets& keywords = scope.mailbox->keywords();
  const std::vector<Truth> nothing;
  std::vector<uint32_t> found;
  std::vector<uint32_t> open;
  scope.version->for_each([&](uint32_t number, const MessageItem& item) {
    const Truth answer = plan.decide(keywords, number, item, nothing);
    if (answer == Truth::yes) found.push_back(number);
    if (answer == Truth::unknown) open.push_back(number);
  });
  if (open.empty()) co_return found;

  Searcher searcher(worker, scope, plan, deadline);
  for (size_t start = 0; start < open.size(); start += kBatch) {
    std::vector<Candidate> batch;
    for (size_t i = start; i < std::min(start + kBatch, open.size()); ++i) {
      Candidate candidate;
      candidate.number = open[i];
      candidate.uid = scope.version->at(open[i]).uid;
      batch.push_back(std::move(candidate));
    }
    CO_TRY_VOID(co_await searcher.learn(batch));
    for (const Candidate& candidate : batch) {
      const MessageItem& item = scope.version->at(candidate.number);
      if (plan.decide(keywords, candidate.number, item, candidate.known) == Truth::yes)
        found.push_back(candidate.number);
    }
    co_await Reactor::current().yield();
  }
  std::sort(found.begin(), found.end());
  co_return found;
}

}  // namespace dromos::imapd
