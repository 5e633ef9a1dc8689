// LIST, extended LIST and LSUB (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3501 §6.3.9).
#include <algorithm>
#include <iterator>
#include <map>

#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/commands/metadata.h"
#include "imapd/protocol/list_match.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

struct Row {
  std::string name;
  const NamedMailbox* named = nullptr;  // nothing: a level above mailboxes that are seen
  size_t parent = kNone;                // its row
  bool has_children = false;
  bool subscribed_below = false;
  bool lost = false;  // subscribed, but deleted
  static constexpr size_t kNone = SIZE_MAX;
  bool subscribed() const { return lost || (named != nullptr && named->mailbox.subscribed); }
};

/// All mailboxes by name, INBOX first, with the levels above them.
std::vector<Row> rows_of(const std::vector<NamedMailbox>& mailboxes, const std::vector<std::string>& lost) {
  std::map<std::string_view, const NamedMailbox*> by_name;
  for (const NamedMailbox& named : mailboxes) by_name[named.name] = &named;
  for (const std::string& name : lost) by_name.emplace(name, nullptr);
  for (const NamedMailbox& named : mailboxes)
    for (std::string_view up = name_above(named.name); !up.empty(); up = name_above(up))
      if (!by_name.emplace(up, nullptr).second) break;
  std::vector<Row> rows;
  for (const auto& [name, named] : by_name) rows.push_back({std::string(name), named});
  for (Row& row : rows) {
    row.lost = std::binary_search(lost.begin(), lost.end(), row.name);
    row.has_children = row.named != nullptr && row.named->has_children;
  }
  const auto inbox = std::find_if(rows.begin(), rows.end(), [](const Row& r) { return r.name == "INBOX"; });
  if (inbox != rows.end()) std::rotate(rows.begin(), inbox, inbox + 1);
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < rows.size(); ++i) places[rows[i].name] = i;
  for (Row& row : rows) {
    const auto parent = places.find(name_above(row.name));
    if (parent != places.end()) row.parent = parent->second;
  }
  for (const Row& row : rows) {
    size_t steps = 0;
    for (size_t at = row.parent; at != Row::kNone && steps < kMaxMailboxDepth;
         at = rows[at].parent, ++steps) {
      rows[at].has_children = true;
      rows[at].subscribed_below |= row.subscribed();
    }
  }
  return rows;
}

std::string_view special_use_name(const std::string& stored) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"drafts", "\\Drafts"},   {"sent", "\\Sent"}, {"trash", "\\Trash"},     {"junk", "\\Junk"},
      {"archive", "\\Archive"}, {"all", "\\All"},   {"flagged", "\\Flagged"}, {"important", "\\Important"}};
  for (const auto& [name, attribute] : kNames)
    if (name == stored) return attribute;
  return {};
}

std::vector<std::string_view> attributes_of(const Row& row, const ListCommand& list) {
  std::vector<std::string_view> attributes;
  if (row.named == nullptr) attributes.push_back("\\NonExistent");
  if (row.named != nullptr && !row.named->mailbox.selectable) attributes.push_back("\\Noselect");
  attributes.push_back(row.has_children ? "\\HasChildren" : "\\HasNoChildren");
  if (row.subscribed() && (list.return_subscribed || list.select_subscribed))
    attributes.push_back("\\Subscribed");
  if (row.named == nullptr) return attributes;
  // Plain LIST tells special uses, too (RFC 6154 §2 allows it, and clients expect it).
  const std::string_view special = special_use_name(row.named->mailbox.special_use);
  if (!special.empty()) attributes.push_back(special);
  return attributes;
}

/// `child_info` is empty or "(\"SUBSCRIBED\")", the criteria that mailboxes below satisfy.
void write_row(Context& context, std::string_view verb, const std::vector<std::string_view>& attributes,
               std::string_view name, std::string_view child_info) {
  Writer& out = context.out;
  out.untagged().raw(verb).raw(" (");
  for (size_t i = 0; i < attributes.size(); ++i) {
    if (i > 0) out.sp();
    out.raw(attributes[i]);
  }
  out.raw(") \"/\" ").mailbox(name);
  if (!child_info.empty()) out.raw(" (\"CHILDINFO\" ").raw(child_info).ch(')');
  out.crlf();
}

struct Pattern {
  ListPattern pattern;
  bool levels = false;  // tells levels that are no mailboxes, too (RFC 9051 §6.3.9.5)
};

bool matches(const std::vector<Pattern>& patterns, const Row& row) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& p) {
    return (row.named != nullptr || row.lost || p.levels) && p.pattern.matches(row.name);
  });
}

bool selected_by(const ListCommand& list, const Row& row) {
  if (!list.select_subscribed && !list.select_special_use) return true;
  if (list.select_special_use && row.named == nullptr) return false;
  return (row.named != nullptr || row.lost) && (!list.select_subscribed || row.subscribed()) &&
         (!list.select_special_use || !special_use_name(row.named->mailbox.special_use).empty());
}

/// What RECURSIVEMATCH adds: whether a mailbox below satisfies the criteria, and one that is not told itself.
struct Below {
  bool any = false;
  bool untold = false;
};

std::vector<Below> below_of(const ListCommand& list, const std::vector<Pattern>& patterns,
                            const std::vector<Row>& rows) {
  std::vector<Below> below(rows.size());
  if (!list.select_recursive_match) return below;
  for (const Row& row : rows) {
    if ((row.named == nullptr && !row.lost) || !selected_by(list, row)) continue;
    const bool told = matches(patterns, row);
    size_t steps = 0;
    for (size_t at = row.parent; at != Row::kNone && steps < kMaxMailboxDepth;
         at = rows[at].parent, ++steps) {
      below[at].any = true;
      below[at].untold |= !told;
    }
  }
  return below;
}

/// What RETURN asks for besides: MYRIGHTS (RFC 8440), STATUS (RFC 5819).
Task<Result<void>> write_more(Context& context, const ListCommand& list, const NamedMailbox& named) {
  if (list.return_my_rights) write_my_rights(context, named);
  if (list.return_status != 0 && named.mailbox.selectable && named.may(store::kRead)) {
    CO_TRY(const uint64_t recent, co_await count_recent(context, named, list.return_status));
    write_status(context, named.mailbox, named.name, list.return_status, recent);
  }
  co_return Result<void>{};
}

/// RFC 5258 §3.3, §3.5; STATUS of those that satisfy the criteria themselves (RFC 5819 §2).
Task<Result<void>> write_list(Context& context, const ListCommand& list, const std::vector<Pattern>& patterns,
                              const std::vector<Row>& rows, ListMetadata& metadata) {
  const std::vector<Below> below = below_of(list, patterns, rows);
  std::string criteria = "(";
  if (list.select_subscribed) criteria += "\"SUBSCRIBED\"";
  if (list.select_special_use) criteria += list.select_subscribed ? " \"SPECIAL-USE\"" : "\"SPECIAL-USE\"";
  criteria += ')';
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    if (!matches(patterns, row)) continue;
    const bool wanted = selected_by(list, row);
    if (!wanted && !below[i].untold) continue;
    write_row(context, "LIST", attributes_of(row, list), row.name,
              below[i].any ? std::string_view(criteria) : std::string_view());
    if (wanted && row.named != nullptr) {
      CO_TRY_VOID(co_await write_more(context, list, *row.named));
      CO_TRY_VOID(co_await metadata.write(*row.named));
    }
    const bool open = co_await context.flush_some();
    if (!open) co_return fail(Errc::closed, "connection lost");
  }
  co_return Result<void>{};
}

/// Subscribed names; with `%` also unsubscribed parents of subscribed ones, as \Noselect (RFC 3501 §6.3.9).
void write_lsub(Context& context, const std::vector<Pattern>& patterns, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (!matches(patterns, row)) continue;
    const bool below =
        row.subscribed_below && std::any_of(rows.begin(), rows.end(), [&](const Row& other) {
          return other.subscribed() && is_below(other.name, row.name) && !matches(patterns, other);
        });
    if (row.subscribed())
      write_row(context, "LSUB", {}, row.name, "");
    else if (below)
      write_row(context, "LSUB", {"\\Noselect"}, row.name, "");
  }
}

/// The mailboxes whose names can match, as a range of the store's.
store::MailboxRange range_of(const ListPattern& pattern, bool all_below) {
  constexpr std::string_view kLast = "\U0010FFFF";
  const std::string_view literal = pattern.literal_prefix();
  const size_t level = literal.rfind(kSeparator);
  store::MailboxRange range;
  if (level != std::string_view::npos) range.above = path_of_name(literal.substr(0, level));
  range.first = range.last = literal.substr(level == std::string_view::npos ? 0 : level + 1);
  if (pattern.has_wildcard()) range.last += kLast;
  range.levels = all_below ? 0 : pattern.levels_from(literal.size());
  return range;
}

/// Those that the patterns can match, with what is below them if that matters; or simply all.
Task<Result<std::vector<NamedMailbox>>> listed_mailboxes(Context& context, const ListCommand& list,
                                                         const std::vector<Pattern>& patterns, bool lsub) {
  constexpr size_t kRanges = 8;
  bool all = patterns.size() > kRanges;
  bool foreign = false;
  std::vector<store::MailboxRange> ranges;
  for (const Pattern& one : patterns) {
    const std::string_view literal = one.pattern.literal_prefix();
    if (literal.find('\0') != std::string_view::npos) continue;  // nothing is called that
    foreign = foreign || may_be_foreign(literal);
    ranges.push_back(range_of(one.pattern, lsub || list.select_recursive_match));
    all = all || (literal.empty() && ranges.back().levels == 0);
  }
  Worker& worker = context.worker;
  const AccountId reader = context.account();
  if (all) co_return co_await visible_mailboxes(worker, reader, store::kLookup, context.store_deadline());
  CO_TRY(auto found, co_await own_mailboxes(worker, reader, std::move(ranges), context.store_deadline()));
  if (!foreign) co_return found;
  CO_TRY(auto others, co_await foreign_mailboxes(worker, reader, store::kLookup, context.store_deadline()));
  std::move(others.begin(), others.end(), std::back_inserter(found));
  co_return found;
}

}  // namespace

Handled handle_list(Context& context, const Command& command) {
  const auto& list = command.as<ListCommand>();
  if (!list.extended && list.patterns.size() == 1 && list.patterns.front().empty()) {
    write_row(context, command.verb == Verb::lsub ? "LSUB" : "LIST", {"\\Noselect"}, "", "");
    co_return ok("List completed");
  }
  std::vector<Pattern> patterns;
  for (const std::string& wire : list.patterns) {
    // RFC 5258 §3: an extended LIST ignores empty patterns and those it cannot take.
    if (list.extended && wire.empty()) continue;
    const auto pattern = list_pattern_from_wire(list.reference, wire, context.utf8());
    if (!pattern && list.extended) continue;
    if (!pattern) co_return ok("List completed");  // nothing can be called that
    const bool plain = pattern->find_first_of("*%") == std::string::npos;
    patterns.push_back({ListPattern(*pattern), plain || pattern->ends_with('%')});
  }
  CO_TRY(const auto mailboxes,
         co_await listed_mailboxes(context, list, patterns, command.verb == Verb::lsub));
  std::vector<std::string> lost;
  if (command.verb == Verb::lsub || list.select_subscribed) {
    CO_TRY(lost,
           co_await context.worker.mailboxes.lost_subscriptions(context.account(), context.store_deadline()));
  }
  const std::vector<Row> rows = rows_of(mailboxes, lost);
  ListMetadata metadata(context, list.return_metadata, mailboxes);
  if (command.verb == Verb::lsub)
    write_lsub(context, patterns, rows);
  else
    CO_TRY_VOID(co_await write_list(context, list, patterns, rows, metadata));
  co_return ok("List completed");
}

}  // namespace dromos::imapd
