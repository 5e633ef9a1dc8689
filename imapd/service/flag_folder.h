// FlagFolder: brings the flags that a STORE to many messages wrote as one row (store::FlagRuns) into their
// entries, in the background and in short transactions.
#pragma once

#include <string_view>

#include "common/jobs/leased_runner.h"
#include "common/store/flag_runs.h"

namespace dromos::imapd {

class FlagFolder {
 public:
  /// To be woken when there is a run.
  static constexpr std::string_view kJob = "imapd.fold_flags";
  /// Adds its job to `jobs`. All live on the constructing reactor.
  FlagFolder(db::Pool& pool, jobs::LeasedRunner& jobs);

 private:
  Task<Result<void>> run(jobs::JobContext& context);

  store::FlagRuns runs_;
};

}  // namespace dromos::imapd
