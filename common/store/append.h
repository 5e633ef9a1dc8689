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
  MailboxId mailbox;
  uint32_t uidvalidity = 0;
  std::vector<uint32_t> uids;
  std::vector<MessageId> ids;
};

/// StoreErrc::not_found: no such mailbox (TRYCREATE); over_quota: nothing was stored.
Task<Result<AppendResult>> append(Deliverer& deliverer, DeliveryId id, AccountId account, MailboxId mailbox,
                                  std::vector<AppendMessage> messages, Deadline deadline);
/// The mailbox of these names from the root on, looked up by the same statement.
Task<Result<AppendResult>> append_at(Deliverer& deliverer, DeliveryId id, AccountId account,
                                     std::vector<std::string> path, std::vector<AppendMessage> messages,
                                     Deadline deadline);

/// By a guest: where \Seen is each guest's own (private_seen.h), the flag is `reader`'s. Not for owners: it
/// goes without group commit.
Task<Result<AppendResult>> append_as(Deliverer& deliverer, DeliveryId id, AccountId reader, AccountId account,
                                     MailboxId mailbox, std::vector<AppendMessage> messages,
                                     Deadline deadline);

/// REPLACE: the message comes where `source` goes, in one transaction, with the lesson for spamd if it goes
/// into or out of Junk; \Seen as with append_as. StoreErrc::conflict: that one is gone.
Task<Result<AppendResult>> replace(Deliverer& deliverer, DeliveryId id, AccountId reader, Replaced source,
                                   AccountId account, MailboxId mailbox, AppendMessage message,
                                   Deadline deadline);

}  // namespace dromos::store
