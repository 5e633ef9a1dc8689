#include "imapd/commands/mailbox_filter.h"

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
