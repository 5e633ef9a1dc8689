// Jobs seen from outside: what the leased work of the whole installation did (admin.job), and running one
// now. The work itself: leased_runner.h.
#pragma once

#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"

namespace dromos::db {
class Pool;
}

namespace dromos::jobs {

struct JobState {
  std::string name;
  bool running = false;
  int64_t due_us = 0;
  int64_t started_us = 0;  // 0: never
  int64_t ended_us = 0;
  int64_t failures = 0;  // in a row
  std::string report;    // JSON of the last run
};

Task<Result<std::vector<JobState>>> list_jobs(db::Pool& pool, Deadline deadline);
/// Due at once; not_found for names that never ran.
Task<Result<void>> run_soon(db::Pool& pool, std::string name, Deadline deadline);

}  // namespace dromos::jobs
