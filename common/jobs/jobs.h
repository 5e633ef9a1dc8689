// Jobs: background work of the whole installation, leased in the store (admin.job) so that two processes
// never run the same one at once. Lost leases are harmless if the work is idempotent, and it must be.
//
//   JobRunner runner(pool);
//   runner.add({"store.collect", hours(1), minutes(10), collect});
//   group.spawn(runner.run(group.token()));
//
// Each run is logged (job.done, job.failed) with its report and counted in metrics. One reactor.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"

namespace dromos::db {
class Pool;
}

namespace dromos::jobs {

/// Does one round before the deadline; the report is a JSON object of counts.
using Work = std::function<Task<Result<std::string>>(Deadline)>;

struct Job {
  std::string name;  // "store.collect"
  seconds every{3600};
  seconds lease{600};  // the round has nine tenths of it
  Work work;
};

struct JobState {
  std::string name;
  bool running = false;
  int64_t due_us = 0;
  int64_t started_us = 0;  // 0: never
  int64_t ended_us = 0;
  int64_t failures = 0;  // in a row
  std::string report;    // JSON of the last round
};

class JobRunner {
 public:
  explicit JobRunner(db::Pool& pool) : pool_(pool), holder_(Uuid::v7()) {}
  void add(Job job) { jobs_.push_back(std::move(job)); }
  /// Looks for due jobs now and every `poll` until `token` fires. A failed job is due again after a tenth of
  /// its time.
  Task<void> run(CancelToken token, seconds poll = seconds(30));

 private:
  Task<void> try_job(const Job& job);
  Task<Result<bool>> claim(const Job& job);
  db::Pool& pool_;
  const Uuid holder_;
  std::vector<Job> jobs_;
};

Task<Result<std::vector<JobState>>> list_jobs(db::Pool& pool, Deadline deadline);
/// Due at once; not_found for names that never ran.
Task<Result<void>> run_soon(db::Pool& pool, std::string name, Deadline deadline);

}  // namespace dromos::jobs
