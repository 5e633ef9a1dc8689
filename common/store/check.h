// dromosctl check: every rule that no constraint holds, and its repair. Needs the owner's connection.
#pragma once

#include <functional>
#include <string>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct Problem {
  AccountId account;  ///< 0: of no account
  MailboxId mailbox;
  std::string problem;
  std::string detail;
};

class Check {
 public:
  explicit Check(db::Pool& pool) : pool_(pool) {}
  /// All accounts, each as one snapshot shows it (no lock: mail comes and goes meanwhile), and what lies
  /// across. Returns how many problems.
  Task<Result<int64_t>> run(std::function<void(const Problem&)> on_problem, Deadline deadline);
  Task<Result<int64_t>> run_account(AccountId account, std::function<void(const Problem&)> on_problem,
                                    Deadline deadline);
  /// Under the account's lock. Returns how many problems there were; check again for what cannot be mended.
  Task<Result<int64_t>> repair(AccountId account, Deadline deadline);
  /// After a restore to an earlier time: raises every UIDVALIDITY and state epoch.
  Task<Result<int64_t>> restored(Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
