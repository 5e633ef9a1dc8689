// Usage and limits of an account.
#pragma once

#include <optional>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct Quota {
  int64_t used_bytes = 0;
  int64_t used_messages = 0;
  int64_t mailboxes = 0;
  std::optional<int64_t> limit_bytes;
  std::optional<int64_t> limit_messages;
  std::optional<int64_t> limit_mailboxes;
};

class Quotas {
 public:
  explicit Quotas(db::Pool& pool) : pool_(pool) {}
  Task<Result<Quota>> get(AccountId account, Deadline deadline);
  Task<Result<void>> set(AccountId account, std::optional<int64_t> bytes, std::optional<int64_t> messages,
                         std::optional<int64_t> mailboxes, Deadline deadline);
  /// The same for daemons that serve accounts; administrators see it in the directory, too.
  Task<Result<void>> replace(AccountId account, std::optional<int64_t> bytes, std::optional<int64_t> messages,
                             std::optional<int64_t> mailboxes, Deadline deadline);

 private:
  Task<Result<void>> set_by(const db::Statement& statement, AccountId account, std::optional<int64_t> bytes,
                            std::optional<int64_t> messages, std::optional<int64_t> mailboxes,
                            Deadline deadline);
  db::Pool& pool_;
};

}  // namespace dromos::store
