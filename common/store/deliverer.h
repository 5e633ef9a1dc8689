// Deliverer: group commit for one reactor. What gathers while a batch flies goes with the next one, as one
// statement.
//
// - At most kMaxCalls calls and kMaxBytes a batch; larger messages are staged before, outside any lock.
// - A lane is one connection; an account's deliveries take one lane (hash), so that they never wait for each
// other.
// - Accounts locked by others send their calls to the side lane (two connections, waiting for the lock until
// the
//   deadline); so do calls of a batch that failed, one by one.
// - A lost connection leaves the outcome unknown: the call is asked again with its delivery id, which answers
// with
//   what was stored or stores it now. Still unknown at the deadline: StoreErrc::unknown (temporary), counted.
// deliver() returns once the commit is durable. Not thread-safe; close() before destruction.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "common/async/sync.h"
#include "common/async/task_group.h"
#include "common/db/pool.h"
#include "common/store/blob_store.h"
#include "common/store/delivery.h"

namespace dromos::store {

class Deliverer {
 public:
  static constexpr size_t kMaxCalls = 32;
  static constexpr size_t kMaxBytes = 128 * 1024;

  struct Options {
    size_t lanes = 2;
    size_t side_connections = 2;
  };
  struct Stats {
    uint64_t delivered = 0;  ///< calls that committed here
    uint64_t batches = 0;
    uint64_t busy = 0;      ///< calls that went to the side lane for a lock
    uint64_t replayed = 0;  ///< calls asked again one by one after an error or a lost connection
    uint64_t earlier = 0;   ///< of those, already committed
    uint64_t unknown = 0;   ///< given up with the outcome unknown
  };

  Deliverer(db::Pool& pool, BlobStore& blobs, Options options);
  Deliverer(db::Pool& pool, BlobStore& blobs) : Deliverer(pool, blobs, Options{}) {}
  ~Deliverer();

  /// Errors are of the whole call (unavailable, busy, unknown, an SQL error); a target's refusal is in the
  /// result.
  Task<Result<DeliveryResult>> deliver(Delivery delivery, Deadline deadline);
  const Stats& stats() const { return stats_; }
  Task<void> close();

 private:
  struct Pending;
  struct Lane {
    std::deque<Pending*> waiting;
    bool running = false;
  };

  Task<Result<void>> prepare(Pending& call, Deadline deadline);
  Task<void> run_lane(Lane& lane);
  Task<void> run_batch(std::vector<Pending*> batch);
  Task<void> run_alone(Pending* call);
  Task<Result<DeliveryResult>> try_alone(Pending& call);
  std::vector<Pending*> take_batch(Lane& lane);
  static void finish(Pending& call, Result<DeliveryResult> result);

  db::Pool& pool_;
  BlobStore& blobs_;
  std::vector<Lane> lanes_;
  Semaphore side_;
  TaskGroup group_;
  Stats stats_;
};

}  // namespace dromos::store
