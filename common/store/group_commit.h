// GroupCommit: deliveries of a whole process, many in one transaction. What gathers while a batch flies goes
// with the next one, as one statement; a batch that had company lets the next one gather for a moment,
// because the price of a batch is mostly that of its statements.
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

#include <atomic>
#include <coroutine>
#include <deque>
#include <span>
#include <vector>

#include "common/async/reactor.h"
#include "common/async/sync.h"
#include "common/async/task_group.h"
#include "common/db/pool.h"
#include "common/store/delivery.h"

namespace dromos::store {

struct PreparedDelivery;

class GroupCommit {
 public:
  static constexpr size_t kMaxCalls = 32;
  static constexpr size_t kMaxBytes = 128 * 1024;

  struct Options {
    size_t lanes = 1;
    size_t side_connections = 2;
    /// How long a batch may gather when the one before had company.
    milliseconds gather{2};
  };
  struct Stats {
    std::atomic<uint64_t> delivered{0};  ///< calls that committed here
    std::atomic<uint64_t> batches{0};
    std::atomic<uint64_t> busy{0};      ///< calls that went to the side lane for a lock
    std::atomic<uint64_t> replayed{0};  ///< calls asked again one by one after an error or a lost connection
    std::atomic<uint64_t> earlier{0};   ///< of those, already committed
    std::atomic<uint64_t> unknown{0};   ///< given up with the outcome unknown
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
    bool had_company = false;
    Event full;
  };

  void submit(Pending& call);
  Task<void> run_lane(Lane& lane);
  Task<void> gather(Lane& lane);
  Task<void> run_batch(std::vector<Pending*> batch);
  Task<void> run_alone(Pending* call);
  Task<Result<DeliveryResult>> try_alone(Pending& call);
  static std::vector<Pending*> take_batch(Lane& lane);
  static void finish(Pending& call, Result<DeliveryResult> result);

  Reactor& home_;
  db::Pool& pool_;
  const milliseconds gather_;
  std::deque<Lane> lanes_;
  Semaphore side_;
  TaskGroup group_;
  Stats stats_;
};

}  // namespace dromos::store
