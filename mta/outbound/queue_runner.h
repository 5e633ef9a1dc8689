// QueueRunner: sends what waits in the queue. One per mta process, on the main reactor.
//
// It leases due recipients from the store, groups them into transactions, sends
// or delivers them, and writes each result under its lease: done, retry later, or bounced (DESIGN: life of a
// message, 7). Any number of processes share one queue. Leases are renewed while recipients wait or are being
// sent, and once more before the final dot; a lease that is lost there ends the transaction unsent. What
// stays is the instant between the remote 250 and our commit: a crash in it sends that transaction again.
// When the database is away nothing is claimed and results are tried again until they are written or run()
// is closed. Remote failures never escape: they are results. Not thread-safe but for wake().
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/store/delivery.h"
#include "mta/outbound/options.h"

namespace dromos::db {
class Pool;
}
namespace dromos::dns {
class Resolver;
}
namespace dromos::directory {
class Directory;
}
namespace dromos::store {
class Deliverer;
}

namespace dromos::mta {

/// What the runner borrows; all of it on the same reactor, outliving close().
struct QueueRunnerParts {
  db::Pool& pool;                   ///< as role dromos_mta; about 4 connections at most are used at once
  store::Deliverer& deliverer;      ///< for transport local and for DSNs
  directory::Directory& directory;  ///< says whether the sender of a failed message is ours
  dns::Resolver& resolver;
  /// Makes what the store wants of raw bytes (facts, search text, thread keys): the same function as for
  /// incoming mail, so that both thread alike.
  std::function<store::NewMessage(std::string raw, TraceId trace)> make_message;
  /// Accounts that got mail: publish as hints. May be empty.
  std::function<void(std::vector<store::Change>)> changed;
  /// Where this process listens for mail ("192.0.2.1:25"): an MX host there is ourselves.
  std::set<std::string> own_addresses = {};
};

class QueueRunner {
 public:
  QueueRunner(QueueRunnerOptions options, QueueRunnerParts parts);
  /// close() must have returned.
  ~QueueRunner();
  QueueRunner(const QueueRunner&) = delete;
  QueueRunner& operator=(const QueueRunner&) = delete;

  /// Works until `token` is cancelled or close() is called; then claims no more and returns. Spawn it in a
  /// task group. Logs and waits on errors; never throws for them.
  Task<void> run(CancelToken token);
  /// Something was put into the queue: look now and not at the next poll (a hint; losing it costs the poll
  /// interval). Thread-safe.
  void wake();
  /// Ends: gives transactions `options.close_grace` to finish, then breaks their connections; recipients that
  /// were leased and not sent are due again at once. Returns when nothing runs any more. run() returns too.
  Task<void> close();

  struct Stats {
    size_t leased = 0;   ///< recipients, waiting or being sent
    size_t sending = 0;  ///< transactions
  };
  Stats stats() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dromos::mta
