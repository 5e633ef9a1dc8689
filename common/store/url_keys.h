// Secret keys of mailboxes that URLAUTH tokens are made with (RFC 4467 §2.2).
#pragma once

#include <optional>
#include <string>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

class UrlKeys {
 public:
  explicit UrlKeys(db::Pool& pool) : pool_(pool) {}
  /// 32 octets; `fresh` becomes the key if there is none.
  Task<Result<std::string>> make(AccountId account, MailboxId mailbox, std::string fresh, Deadline deadline);
  Task<Result<std::optional<std::string>>> get(AccountId account, MailboxId mailbox, Deadline deadline);
  /// All URLs of the mailbox, 0: of all mailboxes, are void from now on.
  Task<Result<void>> reset(AccountId account, MailboxId mailbox, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
