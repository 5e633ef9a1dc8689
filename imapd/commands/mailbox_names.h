// Mailbox names of a command -> mailboxes of the account.
#pragma once

#include <string>
#include <vector>

#include "imapd/commands/context.h"

namespace dromos::imapd {

std::vector<std::string> path_of_name(std::string_view name);
std::string name_of_path(const std::vector<std::string>& path);

struct NamedMailbox {
  store::Mailbox mailbox;
  std::string name;  // as the store has it
};

/// Name as sent, decoded; the error is for NO [CANNOT].
Result<std::string> name_from_wire(const Context& context, std::string_view wire);
/// StoreErrc::not_found if it is not there, or holds no messages and `selectable` is asked for.
Task<Result<NamedMailbox>> find_mailbox(Context& context, std::string wire, bool selectable);

}  // namespace dromos::imapd
