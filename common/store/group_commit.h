// GroupCommit: deliveries of a whole process, many in one transaction. What gathers while a batch flies goes
// with the next one, as one statement; a batch that had company lets the next one gather for a moment if that
// comes soon, because the price of a batch is mostly that of its statements. It goes as soon as half as many
// have come: where clients wait for their answers, one half of them is parsed while the other half is stored.
//
// - At most kMaxCalls calls and kMaxBytes a batch.
// - A lane is one connection; an account's deliveries take one lane (hash), so that they never wait for each
//   other.
// - Accounts locked by others send their calls to the side lane (its own connections, waiting for the lock
//   until the deadline); so do calls of a batch that failed, one by one.
// - A lost connection leaves the outcome unknown: the call is asked again with its delivery id, which answers
//   with what was stored or stores it now. Still unknown at the deadline: StoreErrc::unknown (temporary),
//   counted.
//
// Lives on the reactor that made it (its home), where close() and the destructor belong. commit() may be
// awaited on any reactor; whoever awaits it must be done before close().
#pragma once

#include <coroutine>
#include <deque>
#include <vector>

#include "common/async/reactor.h"
#include "common/async/sync.h"
#include "common/async/task_group.h"
#include "common/db/pool.h"
#include "common/metrics/metrics.h"
#include "common/store/delivery.h"

namespace dromos::store {

struct PreparedDelivery;

/// One figure of a group commit; also counted in the process's metric.
class Tally {
 public:
  explicit Tally(metrics::Counter& whole) : whole_(whole) {}
  void add(uint64_t n = 1) {
    own_.add(n);
    whole_.add(n);
  }
  operator uint64_t() const { return own_.value(); }

 private:
  metrics::Counter own_;
  metrics::Counter& whole_;
};

class GroupCommit {
 public:
  static constexpr size_t kMaxCalls = 32;
  static constexpr size_t kMaxBytes = 128 * 1024;

  struct Options {
    size_t lanes = 1;
    size_t side_connections = 2;
    /// How long a batch may gather when the one before had company, if half as many do not come sooner.
    milliseconds gather{2};
    /// For how long after it a batch's company makes the next one gather.
    milliseconds company{100};
    /// Told at home of what was stored, before those who wait for it. May be empty.
    OnStored on_stored;
  };
  /// Metrics: dromos_common_commit_{calls,batches,gatherings}_total.
  struct Stats {
    Stats();
    Tally delivered;   ///< calls that committed here
    Tally batches;     ///< transactions of lanes
    Tally gatherings;  ///< batches that waited for company
    Tally busy;        ///< calls that went to the side lane for a lock
    Tally replayed;    ///< calls asked again one by one after an error or a lost connection
    Tally earlier;     ///< of those, already committed
    Tally unknown;     ///< given up with the outcome unknown
  };

  GroupCommit(db::Pool& pool, Options options);
  explicit GroupCommit(db::Pool& pool) : GroupCommit(pool, Options{}) {}
  ~GroupCommit();

  /// Done once the commit is durable. Errors are of the whole call (unavailable, busy, unknown, an SQL
  /// error); a target's refusal is in the result. `prepared` must live until then.
  Task<Result<DeliveryResult>> commit(const PreparedDelivery& prepared, Deadline deadline);
  const Stats& stats() const { return stats_; }
  Task<void> close();

 private:
  struct Pending;
  struct Submission;
  struct Lane {
    std::deque<Pending*> waiting;
    bool running = false;
    Deadline company = Deadline::after(milliseconds(0));  ///< until then the next batch gathers
    size_t wanted = 1;                                    ///< calls, with which it goes at once
    Event full;
  };

  void submit(Pending& call);
  Task<void> run_lane(Lane& lane);
  Task<void> gather(Lane& lane);
  Task<void> run_batch(std::vector<Pending*> batch);
  Task<void> run_alone(Pending* call);
  Task<Result<DeliveryResult>> try_alone(Pending& call);
  Task<Result<DeliveryResult>> ask(Pending& call, bool& lost);
  static std::vector<Pending*> take_batch(Lane& lane);
  static void finish(Pending& call, Result<DeliveryResult> result);
  void tell(std::span<Pending* const> batch, std::span<const DeliveryResult> results) const;

  Reactor& home_;
  db::Pool& pool_;
  const Options options_;
  std::deque<Lane> lanes_;
  Semaphore side_;
  TaskGroup group_;
  Stats stats_;
};

}  // namespace dromos::store
