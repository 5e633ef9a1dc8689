#include "common/jobs/leased_runner.h"

#include <algorithm>

#include "common/async/waiter.h"
#include "common/base/assert.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"

namespace dromos::jobs {
namespace {

const db::Statement kLease{"jobs_lease", "SELECT leased, wait_ms FROM admin.job_lease_v1($1, $2, $3, $4)"};
const db::Statement kRenew{"jobs_renew", "SELECT admin.job_renew_v1($1, $2, $3)"};
const db::Statement kFinish{"jobs_finish", "SELECT admin.job_finish_v2($1, $2, $3, $4, $5, $6, $7)"};
constexpr milliseconds kCallLimit{10000};

struct Metrics {
  metrics::Counter& ok;
  metrics::Counter& failed;
  metrics::Counter& lost;
  metrics::Counter& items;
  explicit Metrics(const std::string& name)
      : ok(runs(name, "ok")),
        failed(runs(name, "failed")),
        lost(runs(name, "lost")),
        items(metrics::counter("dromos_common_job_items_total", "Items that background jobs worked on.",
                               {{"job", name}})) {}
  static metrics::Counter& runs(const std::string& name, std::string_view result) {
    return metrics::counter("dromos_common_job_runs_total", "Runs of background jobs.",
                            {{"job", name}, {"result", result}});
  }
};

std::string json_counts(const std::map<std::string, int64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += (text.empty() ? "\"" : ",\"") + name + "\":" + std::to_string(count);
  return "{" + text + "}";
}

}  // namespace

struct LeasedRunner::Job {
  Job(std::string its_name, milliseconds its_interval, JobFunction its_function)
      : name(std::move(its_name)), interval(its_interval), function(std::move(its_function)), metrics(name) {}
  std::string name;
  milliseconds interval;
  JobFunction function;
  Metrics metrics;
  Event woken;
  bool now = false;
};

bool JobContext::stopping() const {
  return lost_ || token_.cancelled() || limit_.passed();
}

Task<bool> JobContext::slice(milliseconds pause) {
  if (stopping()) co_return false;
  co_await sleep_for(pause, token_);
  co_return !stopping();
}

LeasedRunner::LeasedRunner(db::Pool& pool, Options options)
    : pool_(pool), options_(std::move(options)), running_(std::max<size_t>(options_.parallel, 1)) {}

LeasedRunner::~LeasedRunner() {
  DROMOS_ASSERT(group_.running() == 0);
}

void LeasedRunner::add(std::string name, milliseconds interval, JobFunction function) {
  jobs_.emplace_back(std::move(name), interval, std::move(function));
}

void LeasedRunner::start() {
  for (Job& job : jobs_) group_.spawn(loop(&job));
}

void LeasedRunner::wake(std::string_view name) {
  for (Job& job : jobs_) {
    if (job.name != name) continue;
    job.now = true;
    job.woken.set();
  }
}

Task<void> LeasedRunner::close() {
  co_await group_.close();
}

Task<void> LeasedRunner::loop(Job* job) {
  const CancelToken token = group_.token();
  while (!token.cancelled()) {
    const Wake turn = co_await running_.acquire(Deadline::never(), token);
    if (turn != Wake::ready) break;
    const milliseconds wait = co_await attempt(*job);
    running_.release();
    if (wait > milliseconds(0)) co_await job->woken.wait(Deadline::after(wait), token);
    job->woken.reset();
  }
}

/// One try for the lease, and the run if it was got. Returns how long to wait for the next.
Task<milliseconds> LeasedRunner::attempt(Job& job) {
  const Uuid token = Uuid::v7();
  const bool now = std::exchange(job.now, false);
  db::Params params;
  params.add(job.name).add(token).add(int64_t{options_.lease.count()}).add(now);
  const auto rows = co_await pool_.exec(kLease, std::move(params), Deadline::after(kCallLimit));
  if (!rows) {
    log::warn("job.lease_failed", {{"job", job.name}, {"err", rows.error()}});
    job.now = job.now || now;
    co_return options_.retry;
  }
  if (rows->boolean(0, 0)) {
    co_await run(job, token);
    co_return job.now ? milliseconds(0) : milliseconds(1);
  }
  if (now) {  // wanted at once, but somebody runs it
    job.now = true;
    co_return std::min(milliseconds(rows->integer(0, 1)), options_.retry);
  }
  // Not past the interval: whoever holds the lease may give it back long before it ends.
  const milliseconds longest = std::min(std::max(job.interval, options_.retry), options_.poll);
  co_return std::clamp(milliseconds(rows->integer(0, 1)), milliseconds(1), longest);
}

Task<void> LeasedRunner::run(Job& job, Uuid token) {
  const int64_t begun = Clock::now_us();
  JobContext context;
  context.token_ = group_.token();
  context.limit_ = Deadline::after(options_.run_limit);
  Result<void> result;
  {
    TaskGroup keeper;
    keeper.spawn(keep(&job, token, &context, keeper.token()));
    try {
      auto work = job.function(context);
      result = co_await std::move(work);
    } catch (const std::exception& thrown) {
      result = fail(Errc::internal, thrown.what());
    }
    co_await keeper.close();
  }
  const std::string error = result ? "" : result.error().to_string();
  const milliseconds next = context.again_ && result ? milliseconds(0) : job.interval;
  db::Params params;
  params.add(job.name).add(token).add(clean_utf8(error)).add(context.items_);
  params.add(json_counts(context.counts_)).add(options_.where);
  params.add(int64_t{next.count()});
  auto rows = co_await pool_.exec(kFinish, std::move(params), Deadline::after(kCallLimit));
  const bool lost = !rows || !rows->boolean(0, 0);
  job.metrics.items.add(static_cast<uint64_t>(std::max<int64_t>(context.items_, 0)));
  (lost ? job.metrics.lost : result ? job.metrics.ok : job.metrics.failed).add();
  const log::Value spent(microseconds(Clock::now_us() - begun));
  if (!result)
    log::warn("job.failed", {{"job", job.name}, {"items", context.items_}, {"err", error}, {"ms", spent}});
  else if (lost)
    log::warn("job.lost", {{"job", job.name}, {"items", context.items_}, {"ms", spent}});
  else  // the many runs that find nothing are not worth a line
    log::write(context.items_ > 0 ? log::Level::info : log::Level::debug, "job.done",
               {{"job", job.name}, {"items", context.items_}, {"ms", spent}});
}

/// Renews the lease while the run lasts. A lease that cannot be renewed in time is taken for lost.
Task<void> LeasedRunner::keep(Job* job, Uuid token, JobContext* context, CancelToken done) {
  Deadline ends = Deadline::after(options_.lease);
  while (true) {
    co_await sleep_for(options_.lease / 3, done);
    if (done.cancelled()) co_return;
    const Deadline next = Deadline::after(options_.lease);
    db::Params params;
    params.add(job->name).add(token).add(int64_t{options_.lease.count()});
    const auto rows = co_await pool_.exec(kRenew, std::move(params), Deadline::after(options_.lease / 3));
    if (rows && rows->boolean(0, 0))
      ends = next;
    else if (rows || ends.passed() || Deadline::after(options_.lease / 3).when() > ends.when())
      context->lost_ = true;
    if (context->lost_) co_return;
  }
}

}  // namespace dromos::jobs
