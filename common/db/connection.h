// Connection: one libpq connection on the reactor, always in pipeline mode.
//
// A unit of work is a Batch: statements sent behind one Sync, hence one implicit transaction: all commit or
// none does. Statements are prepared at first use on each connection. One batch at a time per connection.
// A lost connection or a passed deadline leaves the outcome unknown (DbErrc::connection_lost, timeout) and
// the connection closed; the pool replaces it. Explicit transactions: see transaction.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/db/errc.h"
#include "common/db/params.h"
#include "common/db/rows.h"

struct pg_conn;

namespace dromos::db {

/// A named statement; both texts live for ever (constants). The name is unique in the process.
struct Statement {
  const char* name;
  const char* sql;
};

struct Call {
  const Statement* statement;
  Params params;
};

/// What each call of a batch came to. If one failed, `failed` is its index and the others hold
/// DbErrc::aborted.
struct BatchResult {
  std::vector<Result<Rows>> results;
  int failed = -1;
};

class Connection {
 public:
  /// Connects and sets session defaults (synchronous_commit on, timezone UTC, search_path empty, fsync
  /// checked by the pool).
  static Task<Result<std::unique_ptr<Connection>>> open(std::string conninfo, Deadline deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// All calls behind one Sync. The outer error means that the outcome is unknown or nothing was sent.
  Task<Result<BatchResult>> run(std::vector<Call> calls, Deadline deadline);
  /// One call in its own transaction.
  Task<Result<Rows>> exec(const Statement& statement, Params params, Deadline deadline);
  /// Rows one by one in single-row mode; `on_row` gets a Rows of size 1 and returns false to stop early
  /// (which closes the connection). For long results.
  Task<Result<void>> stream(const Statement& statement, Params params,
                            std::function<bool(const Rows&)> on_row, Deadline deadline);
  /// Like stream, but `on_row` may suspend (a slow client).
  Task<Result<void>> stream_async(const Statement& statement, Params params,
                                  std::function<Task<Result<void>>(const Rows&)> on_row, Deadline deadline);
  /// A script without parameters by the simple protocol (migrations). Leaves and re-enters pipeline mode.
  Task<Result<void>> script(std::string sql, Deadline deadline);

  bool is_open() const { return conn_ != nullptr; }
  void close();
  int backend_pid() const;
  int server_version() const;
  /// Test seam: shuts the socket down, as a cut cable would.
  void break_for_test();

 private:
  explicit Connection(pg_conn* conn) : conn_(conn) {}
  Result<void> send(const Call& call);
  Task<Result<void>> flush(Deadline deadline);
  Task<Result<pg_result*>> next_result(Deadline deadline);
  Task<Result<void>> drain_to_sync(Deadline deadline);
  Error lost(std::string_view doing);

  pg_conn* conn_;
  std::unordered_set<const char*> prepared_;
};

}  // namespace dromos::db
