// LIST, extended LIST and LSUB (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3501 §6.3.9).
#include <algorithm>
#include <map>

#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/protocol/list_match.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

struct Row {
  std::string name;
  const store::Mailbox* mailbox = nullptr;
  size_t parent = kNone;  // its row
  bool has_children = false;
  bool subscribed_below = false;
  static constexpr size_t kNone = SIZE_MAX;
};

/// All mailboxes by name, INBOX first.
std::vector<Row> rows_of(const store::MailboxTree& tree) {
  std::vector<Row> rows;
  std::map<MailboxId, size_t> index;
  for (const store::Mailbox& mailbox : tree.mailboxes) {
    index[mailbox.id] = rows.size();
    Row row;
    row.name = name_of_path(tree.path_of(mailbox.id));
    row.mailbox = &mailbox;
    rows.push_back(std::move(row));
  }
  for (const store::Mailbox& mailbox : tree.mailboxes) {
    size_t steps = 0;
    for (const store::Mailbox* at = &mailbox; at->parent && steps < kMaxMailboxDepth; ++steps) {
      const auto parent = index.find(at->parent);
      if (parent == index.end()) break;
      if (steps == 0) rows[parent->second].has_children = true;
      rows[parent->second].subscribed_below |= mailbox.subscribed;
      at = rows[parent->second].mailbox;
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    const bool inbox = is_inbox(a.name) && a.mailbox->special_use == "inbox";
    const bool other = is_inbox(b.name) && b.mailbox->special_use == "inbox";
    return inbox != other ? inbox : a.name < b.name;
  });
  std::map<MailboxId, size_t> places;
  for (size_t i = 0; i < rows.size(); ++i) places[rows[i].mailbox->id] = i;
  for (Row& row : rows) {
    const auto parent = places.find(row.mailbox->parent);
    if (row.mailbox->parent && parent != places.end()) row.parent = parent->second;
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
  if (!row.mailbox->selectable) attributes.push_back("\\Noselect");
  attributes.push_back(row.has_children ? "\\HasChildren" : "\\HasNoChildren");
  if (row.mailbox->subscribed && (list.return_subscribed || list.select_subscribed))
    attributes.push_back("\\Subscribed");
  // Plain LIST tells special uses, too (RFC 6154 §2 allows it, and clients expect it).
  const std::string_view special = special_use_name(row.mailbox->special_use);
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

bool matches(const std::vector<ListPattern>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const ListPattern& p) { return p.matches(name); });
}

bool selected_by(const ListCommand& list, const store::Mailbox& mailbox) {
  return (!list.select_subscribed || mailbox.subscribed) &&
         (!list.select_special_use || !special_use_name(mailbox.special_use).empty());
}

/// What RECURSIVEMATCH adds: whether a mailbox below satisfies the criteria, and one that is not told itself.
struct Below {
  bool any = false;
  bool untold = false;
};

std::vector<Below> below_of(const ListCommand& list, const std::vector<ListPattern>& patterns,
                            const std::vector<Row>& rows) {
  std::vector<Below> below(rows.size());
  if (!list.select_recursive_match) return below;
  for (const Row& row : rows) {
    if (!selected_by(list, *row.mailbox)) continue;
    const bool told = matches(patterns, row.name);
    size_t steps = 0;
    for (size_t at = row.parent; at != Row::kNone && steps < kMaxMailboxDepth;
         at = rows[at].parent, ++steps) {
      below[at].any = true;
      below[at].untold |= !told;
    }
  }
  return below;
}

/// RFC 5258 §3.3, §3.5; STATUS of those that satisfy the criteria themselves (RFC 5819 §2).
Task<Result<void>> write_list(Context& context, const ListCommand& list,
                              const std::vector<ListPattern>& patterns, const std::vector<Row>& rows) {
  const std::vector<Below> below = below_of(list, patterns, rows);
  std::string criteria = "(";
  if (list.select_subscribed) criteria += "\"SUBSCRIBED\"";
  if (list.select_special_use) criteria += list.select_subscribed ? " \"SPECIAL-USE\"" : "\"SPECIAL-USE\"";
  criteria += ')';
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    if (!matches(patterns, row.name)) continue;
    const bool wanted = selected_by(list, *row.mailbox);
    if (!wanted && !below[i].untold) continue;
    write_row(context, "LIST", attributes_of(row, list), row.name,
              below[i].any ? std::string_view(criteria) : std::string_view());
    if (wanted && list.return_status != 0 && row.mailbox->selectable)
      write_status(context, *row.mailbox, row.name, list.return_status);
    const bool open = co_await context.flush_some();
    if (!open) co_return fail(Errc::closed, "connection lost");
  }
  co_return Result<void>{};
}

/// Subscribed names; with `%` also unsubscribed parents of subscribed ones, as \Noselect (RFC 3501 §6.3.9).
void write_lsub(Context& context, const std::vector<ListPattern>& patterns, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    if (!matches(patterns, row.name)) continue;
    const bool below = row.subscribed_below && std::any_of(rows.begin(), rows.end(), [&](const Row& other) {
                         return other.mailbox->subscribed && other.name.starts_with(row.name + kSeparator) &&
                                !matches(patterns, other.name);
                       });
    if (row.mailbox->subscribed)
      write_row(context, "LSUB", {}, row.name, "");
    else if (below)
      write_row(context, "LSUB", {"\\Noselect"}, row.name, "");
  }
}

}  // namespace

Handled handle_list(Context& context, const Command& command) {
  const auto& list = command.as<ListCommand>();
  if (list.return_my_rights || !list.return_metadata.empty()) co_return bad("A RETURN option is not offered");
  if (!list.extended && list.patterns.size() == 1 && list.patterns.front().empty()) {
    write_row(context, command.verb == Verb::lsub ? "LSUB" : "LIST", {"\\Noselect"}, "", "");
    co_return ok("List completed");
  }
  std::vector<ListPattern> patterns;
  for (const std::string& wire : list.patterns) {
    // RFC 5258 §3: an extended LIST ignores empty patterns and those it cannot take.
    if (list.extended && wire.empty()) continue;
    const auto pattern = list_pattern_from_wire(list.reference, wire, context.utf8());
    if (!pattern && list.extended) continue;
    if (!pattern) co_return no(code::kCannot, pattern.error().message());
    patterns.emplace_back(*pattern);
  }
  CO_TRY(const auto tree,
         co_await context.worker.mailboxes.tree(context.account(), context.store_deadline()));
  const std::vector<Row> rows = rows_of(tree);
  if (command.verb == Verb::lsub)
    write_lsub(context, patterns, rows);
  else
    CO_TRY_VOID(co_await write_list(context, list, patterns, rows));
  co_return ok("List completed");
}

}  // namespace dromos::imapd
