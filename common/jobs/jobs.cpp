#include "common/jobs/jobs.h"

#include <algorithm>

#include "common/async/waiter.h"
#include "common/base/strings.h"
#include "common/db/pool.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"

namespace dromos::jobs {

namespace {

constexpr db::Statement kClaim{"job_claim", "SELECT admin.job_claim_v1($1, $2, $3)"};
constexpr db::Statement kDone{"job_done", "SELECT admin.job_done_v1($1, $2, $3, $4, $5)"};
constexpr db::Statement kList{
    "job_list",
    "SELECT name, running, due_us, started_us, ended_us, failures, report FROM admin.job_list_v1()"};
constexpr db::Statement kRun{"job_run", "SELECT admin.job_run_v1($1)"};
constexpr seconds kShort{5};

metrics::Counter& rounds(std::string_view job, std::string_view outcome) {
  return metrics::counter("dromos_common_job_rounds_total", "Rounds of background jobs.",
                          {{"job", job}, {"outcome", outcome}});
}

}  // namespace

Task<Result<bool>> JobRunner::claim(const Job& job) {
  db::Params params;
  params.add(job.name).add(holder_).add_int32(static_cast<int32_t>(job.lease.count()));
  CO_TRY(const auto rows, co_await pool_.exec(kClaim, std::move(params), Deadline::after(kShort)));
  co_return rows.boolean(0, 0);
}

Task<void> JobRunner::try_job(const Job& job) {
  auto claimed = co_await claim(job);
  if (!claimed) {
    log::warn("job.unclaimed", {{"job", job.name}, {"err", claimed.error()}});
    co_return;
  }
  if (!*claimed) co_return;
  const auto start = std::chrono::steady_clock::now();
  const Deadline deadline = Deadline::after(std::chrono::duration_cast<milliseconds>(job.lease) * 9 / 10);
  auto task = job.work(deadline);
  auto report = co_await std::move(task);
  const auto took = std::chrono::steady_clock::now() - start;
  if (report)
    log::info("job.done", {{"job", job.name}, {"report", *report}, {"ms", took}});
  else
    log::error("job.failed", {{"job", job.name}, {"err", report.error()}, {"ms", took}});
  rounds(job.name, report ? "done" : "failed").add();
  const seconds next = report ? job.every : std::max(seconds(1), job.every / 10);
  db::Params params;
  params.add(job.name).add(holder_).add_int32(static_cast<int32_t>(next.count())).add(!report.has_value());
  params.add(report ? clean_utf8(*report) : std::string("{}"));
  auto kept = co_await pool_.exec(kDone, std::move(params), Deadline::after(kShort));
  if (!kept) log::warn("job.unrecorded", {{"job", job.name}, {"err", kept.error()}});
}

Task<void> JobRunner::run(CancelToken token, seconds poll) {
  while (!token.cancelled()) {
    for (const Job& job : jobs_) {
      if (token.cancelled()) co_return;
      co_await try_job(job);
    }
    co_await sleep_for(poll, token);
  }
}

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
