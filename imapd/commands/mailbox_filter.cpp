#include "imapd/commands/mailbox_filter.h"

#include <algorithm>
#include <iterator>

#include "imapd/commands/mailbox_names.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

using Kind = MailboxFilter::Kind;

Reach reach_by_name(const DecodedFilter& filter, const std::string& name) {
  for (const std::string& root : filter.names) {
    if (name == root) return Reach::named;
    if (filter.kind == Kind::subtree && is_below(name, root)) return Reach::reached;
    if (filter.kind == Kind::subtree_one && name_above(name) == root) return Reach::reached;
  }
  return Reach::none;
}

}  // namespace

namespace {

/// The mailbox of that name, with those below it as far as the filter goes.
store::MailboxRange range_of(const DecodedFilter& filter, std::vector<std::string> path) {
  store::MailboxRange range;
  range.first = range.last = std::move(path.back());
  path.pop_back();
  range.above = std::move(path);
  range.levels = filter.kind == Kind::subtree ? 0 : filter.kind == Kind::subtree_one ? 2 : 1;
  return range;
}

Task<Result<void>> add_selected(Context& context, std::vector<NamedMailbox>& found) {
  const SharedMailbox& mailbox = *context.selected->mailbox;
  const MailboxId id = mailbox.id();
  if (std::any_of(found.begin(), found.end(), [&](const NamedMailbox& one) { return one.mailbox.id == id; }))
    co_return Result<void>{};
  CO_TRY(const auto tree,
         co_await context.worker.mailboxes.tree_of(mailbox.account(), {id}, context.store_deadline()));
  if (const store::Mailbox* there = tree.find(id); there != nullptr)
    found.push_back({mailbox.account(), store::kAllRights, *there, name_of_path(tree.path_of(id))});
  co_return Result<void>{};
}

}  // namespace

Task<Result<std::vector<NamedMailbox>>> reachable_mailboxes(Context& context,
                                                            const std::vector<DecodedFilter>& filters,
                                                            bool selected, store::Rights rights) {
  constexpr size_t kRanges = 8;
  bool all = false;
  bool foreign = selected && context.foreign();
  std::vector<store::MailboxRange> ranges;
  for (const DecodedFilter& filter : filters) {
    if (filter.kind == Kind::selected || filter.kind == Kind::selected_delayed) continue;
    all = all || filter.kind == Kind::inboxes || filter.kind == Kind::personal ||
          filter.kind == Kind::subscribed;
    for (const std::string& name : filter.names) {
      std::vector<std::string> path = path_of_name(name);
      if (path.empty()) continue;
      foreign = foreign || is_reserved(name);
      ranges.push_back(range_of(filter, std::move(path)));
    }
  }
  const AccountId reader = context.account();
  const Deadline deadline = context.store_deadline();
  if (all || ranges.size() > kRanges)
    co_return co_await visible_mailboxes(context.worker, reader, rights, deadline);
  CO_TRY(auto found, co_await own_mailboxes(context.worker, reader, std::move(ranges), deadline));
  if (selected && !context.foreign()) CO_TRY_VOID(co_await add_selected(context, found));
  if (!foreign) co_return found;
  CO_TRY(auto others, co_await foreign_mailboxes(context.worker, reader, rights, deadline));
  std::move(others.begin(), others.end(), std::back_inserter(found));
  co_return found;
}

DecodedFilter decoded(const Context& context, const MailboxFilter& filter) {
  DecodedFilter made{filter.kind, {}};
  for (const std::string& wire : filter.mailboxes)
    if (auto name = name_from_wire(context, wire)) made.names.push_back(std::move(*name));
  return made;
}

Reach reach(const DecodedFilter& filter, AccountId reader, const NamedMailbox& mailbox) {
  switch (filter.kind) {
    case Kind::inboxes:  // rules may deliver anywhere: RFC 5465 §6.3
    case Kind::personal:
      return mailbox.account == reader && mailbox.mailbox.selectable ? Reach::reached : Reach::none;
    case Kind::subscribed:
      return mailbox.mailbox.subscribed ? Reach::reached : Reach::none;
    case Kind::mailboxes:
    case Kind::subtree:
    case Kind::subtree_one:
      return reach_by_name(filter, mailbox.name);
    case Kind::selected:
    case Kind::selected_delayed:
      break;
  }
  return Reach::none;
}

}  // namespace dromos::imapd
