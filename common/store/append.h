// APPEND and MULTIAPPEND: deliveries into one named mailbox, all or none.
#pragma once

#include <vector>

#include "common/store/deliverer.h"

namespace dromos::store {

struct AppendMessage {
  NewMessage message;
  FlagSet flags;
};

struct AppendResult {
  Change change;
  uint32_t uidvalidity = 0;
  std::vector<uint32_t> uids;
  std::vector<MessageId> ids;
};

/// StoreErrc::not_found: no such mailbox (TRYCREATE); over_quota: nothing was stored.
Task<Result<AppendResult>> append(Deliverer& deliverer, DeliveryId id, AccountId account, MailboxId mailbox,
                                  std::vector<AppendMessage> messages, Deadline deadline);

}  // namespace dromos::store
