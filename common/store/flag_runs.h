// Runs of flags: changes of the flags of many messages which their entries do not have yet (mail.flag_run).
// Reading and writing do right by them; the work here is to bring them into the entries, some at a time.
#pragma once

#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

class FlagRuns {
 public:
  /// A STORE that changes fewer messages makes none (mail.flag_run_least).
  static constexpr size_t kLeast = 4096;
  struct Place {
    AccountId account;
    MailboxId mailbox;
  };

  explicit FlagRuns(db::Pool& pool) : pool_(pool) {}
  /// At most `limit`, of all accounts.
  Task<Result<std::vector<Place>>> pending(int32_t limit, Deadline deadline);
  /// At most `entries` entries, under the account's lock. Whether there is more to do.
  Task<Result<bool>> fold(Place place, int32_t entries, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
