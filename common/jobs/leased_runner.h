// LeasedRunner: named background work of which, among all daemons of one name, one runs each at a time.
//
// A job is leased in admin.job by the database's clock: whoever gets the lease runs the function, renews it
// meanwhile and sets the next due time when it ends. A daemon that dies or stalls loses its lease to the next
// one; work must therefore be idempotent, for the old holder may still finish the slice it is in. Names are
// `<daemon>.<job>` and a daemon's role may lease only its own. All of this lives on one reactor.
// Leases are renewed while the work lasts, work stops within a slice on drain, and a hint can wake a job.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "common/async/sync.h"
#include "common/async/task_group.h"
#include "common/db/pool.h"

namespace dromos::jobs {

/// What a running job sees. Work goes in slices of at most some 50 ms of database time:
///   while (co_await context.slice()) { ...one slice...; context.count(rows); }
class JobContext {
 public:
  /// Pauses, then says whether to go on: false on drain, on a lost lease, and past the run's time limit.
  Task<bool> slice(milliseconds pause = milliseconds(20));
  /// True as soon as the work has to end (no pause, no wait).
  bool stopping() const;
  /// Fires on drain; for waits inside a slice.
  CancelToken token() const { return token_; }
  /// When the run's time is up: for calls that take a deadline.
  Deadline limit() const { return limit_; }
  /// Items done: shown in the log line, the metric and admin.job.
  void count(int64_t items) { items_ += items; }
  /// The same, by kind: the report in admin.job has a number for each `what` (a name, [a-z_]).
  void count(std::string_view what, int64_t items) {
    items_ += items;
    counts_[std::string(what)] += items;
  }
  /// There is more to do: the next run is due at once instead of after the interval.
  void again() { again_ = true; }

 private:
  friend class LeasedRunner;
  CancelToken token_;
  Deadline limit_ = Deadline::never();
  int64_t items_ = 0;
  std::map<std::string, int64_t> counts_;
  bool again_ = false;
  bool lost_ = false;
};

/// An error makes the job due again after its interval, and is logged, counted and kept in admin.job.
using JobFunction = std::function<Task<Result<void>>(JobContext&)>;

class LeasedRunner {
 public:
  struct Options {
    /// Where it runs, for people: "imapd mail1 4711".
    std::string where;
    milliseconds lease{60000};
    /// A run ends after this long (its next slice() is false) and goes on in the next.
    milliseconds run_limit{120000};
    /// How long to wait when somebody else holds a lease or the store is away.
    milliseconds retry{5000};
    /// No longer than this between two looks at a job's due time, which run_soon() of any process may move.
    milliseconds poll{30000};
    /// How many of this process's jobs may run at one time.
    size_t parallel = 1;
  };
  LeasedRunner(db::Pool& pool, Options options);
  /// Asserts that close() has ended.
  ~LeasedRunner();

  /// Before start(). `name` is `<daemon>.<job>`; `interval` counts from the end of one run to the next.
  void add(std::string name, milliseconds interval, JobFunction function);
  void start();
  /// Runs `name` soon, whatever its interval says (still by lease). No effect for unknown names.
  void wake(std::string_view name);
  /// Running jobs end at their next slice; returns when all have and their leases are given back.
  Task<void> close();

 private:
  struct Job;
  Task<void> loop(Job* job);
  Task<milliseconds> attempt(Job& job);
  Task<void> run(Job& job, Uuid token);
  Task<void> keep(Job* job, Uuid token, JobContext* context, CancelToken done);

  db::Pool& pool_;
  Options options_;
  std::list<Job> jobs_;
  Semaphore running_;
  TaskGroup group_;
};

}  // namespace dromos::jobs
