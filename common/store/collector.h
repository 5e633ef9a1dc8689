// Upkeep in slices: partitions, retention, unreferenced blobs, the lock watchdog. Run by admind's jobs; sees
// no content.
#pragma once

#include <functional>
#include <string>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct Retention {
  seconds blobs{24 * 3600};
  seconds expunged{14 * 24 * 3600};
  seconds changelog{30 * 24 * 3600};
  seconds deliveries{7 * 24 * 3600};
  seconds traces{30 * 24 * 3600};
  seconds trash{0};  ///< 0: mail in Trash stays until its owner throws it away
  seconds junk{0};
};

struct CollectorReport {
  int64_t partitions_made = 0;
  int64_t partitions_dropped = 0;
  int64_t entries_purged = 0;
  int64_t blobs_collected = 0;
  int64_t queue_bodies = 0;
};

class Collector {
 public:
  static constexpr int32_t kSlice = 1000;
  explicit Collector(db::Pool& pool) : pool_(pool) {}
  /// Asked before each slice; true ends the work there, which is no error.
  using Stop = std::function<bool()>;
  static bool never() { return false; }
  /// One round over everything, no transaction longer than a slice.
  Task<Result<CollectorReport>> run(Retention retention, Deadline deadline, Stop stop = never);
  /// Expunges what has lain in mailboxes of `role` (trash, junk) for longer than `age`; how much. `changed`
  /// hears of each account.
  Task<Result<int64_t>> expire(std::string role, seconds age, std::function<void(Change)> changed,
                               Deadline deadline, Stop stop = never);
  /// Ends daemons' sessions that hold locks while waiting for their client; returns how many.
  Task<Result<int64_t>> watchdog(seconds limit, Deadline deadline);
  /// Removes an account's mail, slice by slice, after directory has given it up.
  /// False: stopped before the end.
  Task<Result<bool>> purge_account(AccountId account, Deadline deadline, Stop stop = never);
  /// Unlinks files of the folder blob store a day after their tombstone. For the daemon that owns the folder.
  Task<Result<int64_t>> unlink_files(std::string folder, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
