// Mailbox names of a command -> mailboxes of the account, or of others who share them.
#pragma once

#include <string>

#include "imapd/commands/context.h"
#include "imapd/service/namespaces.h"

namespace dromos::imapd {

/// Name as sent, decoded; the error is for NO [CANNOT].
Result<std::string> name_from_wire(const Context& context, std::string_view wire);
/// A mailbox of any namespace on which the account holds all `needed` rights, 0: any right.
/// StoreErrc::not_found if it is not there, may not be looked up, or holds no messages and `selectable` is
/// asked for; StoreErrc::no_permission if it may be looked up, but a right is missing.
Task<Result<NamedMailbox>> find_mailbox(Context& context, std::string wire, bool selectable,
                                        store::Rights needed);
/// The same of a name in UTF-8 that did not come as one of IMAP's arguments (a URL).
Task<Result<NamedMailbox>> find_mailbox_by_name(Context& context, std::string name, bool selectable,
                                                store::Rights needed);

}  // namespace dromos::imapd
