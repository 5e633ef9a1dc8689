// Usage and limits of an account.
#pragma once

#include <optional>
#include <string>

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
  /// Who sets limits by a daemon that serves accounts, from where.
  struct By {
    AccountId actor;
    std::string remote;
    TraceId trace;
  };
  /// set(), with a line in the audit log; administrators see it in the directory, too.
  Task<Result<void>> replace(By by, AccountId account, std::optional<int64_t> bytes,
                             std::optional<int64_t> messages, std::optional<int64_t> mailboxes,
                             Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
