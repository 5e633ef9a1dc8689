#include "common/jobs/jobs.h"

#include "common/base/strings.h"
#include "common/db/pool.h"

namespace dromos::jobs {

namespace {

constexpr db::Statement kList{
    "job_list",
    "SELECT name, running, due_us, started_us, ended_us, failures, report FROM admin.job_list_v1()"};
constexpr db::Statement kRun{"job_run", "SELECT admin.job_run_v1($1)"};

}  // namespace

Task<Result<std::vector<JobState>>> list_jobs(db::Pool& pool, Deadline deadline) {
  CO_TRY(const auto rows, co_await pool.exec(kList, db::Params(), deadline));
  std::vector<JobState> out;
  for (size_t row = 0; row < rows.size(); ++row) {
    JobState state;
    state.name = rows.text(row, 0);
    state.running = rows.boolean(row, 1);
    state.due_us = rows.integer(row, 2);
    state.started_us = rows.maybe_integer(row, 3).value_or(0);
    state.ended_us = rows.maybe_integer(row, 4).value_or(0);
    state.failures = rows.integer(row, 5);
    state.report = rows.text(row, 6);
    out.push_back(std::move(state));
  }
  co_return out;
}

Task<Result<void>> run_soon(db::Pool& pool, std::string name, Deadline deadline) {
  CO_TRY(const auto rows, co_await pool.exec(kRun, db::Params().add(clean_utf8(name)), deadline));
  if (!rows.boolean(0, 0)) co_return fail(Errc::not_found, "no such job: " + clean_utf8(name));
  co_return Result<void>{};
}

}  // namespace dromos::jobs
