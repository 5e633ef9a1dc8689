// Pool: connections of one reactor to one database. Opens lazily, keeps `idle` of them, closes surplus after
// 30 s, replaces broken ones, and waits (with a deadline) when `max` are out.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "common/async/sync.h"
#include "common/async/task_group.h"
#include "common/db/connection.h"

namespace dromos::db {

class Pool;

/// A connection on loan; goes back when destroyed (or is dropped if it broke).
class [[nodiscard]] Lease {
 public:
  Lease() = default;
  Lease(Pool* pool, std::unique_ptr<Connection> connection)
      : pool_(pool), connection_(std::move(connection)) {}
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { give_back(); }
  Connection* operator->() const { return connection_.get(); }
  Connection& operator*() const { return *connection_; }

 private:
  void give_back();
  Pool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

class Pool {
 public:
  struct Options {
    std::string conninfo;
    size_t max = 8;
    size_t idle = 1;
    /// Refuse a server whose fsync or full_page_writes is off (DESIGN: mail is never lost).
    bool require_durable = true;
    /// Refuse a database that lacks migrations this program was built with.
    bool require_schema = true;
    /// Read tables by their indexes, however small they are: for statements whose plans are kept while tables
    /// grow.
    bool by_index = false;
  };
  explicit Pool(Options options);
  ~Pool();

  Task<Result<Lease>> acquire(Deadline deadline);

  // One call on a borrowed connection. A statement is retried once on a fresh connection only if it was never
  // sent.
  Task<Result<Rows>> exec(const Statement& statement, Params params, Deadline deadline);
  Task<Result<BatchResult>> run(std::vector<Call> calls, Deadline deadline);
  Task<Result<void>> stream(const Statement& statement, Params params,
                            std::function<bool(const Rows&)> on_row, Deadline deadline);
  Task<Result<void>> stream_async(const Statement& statement, Params params,
                                  std::function<Task<Result<void>>(const Rows&)> on_row, Deadline deadline);

  const Options& options() const { return options_; }
  size_t open_connections() const { return options_.max - permits_.available(); }
  /// One round trip: `healthy()` and `problem()` are true to the server as of now.
  Task<void> check(Deadline deadline);
  /// True after a successful acquire, false after a failed one: for /readyz.
  bool healthy() const { return healthy_; }
  /// Why the last attempt to connect failed, for the operator; "" after a successful one.
  const std::string& problem() const { return problem_; }
  /// Closes idle connections and stops the trimmer; loans out must be back before the pool dies.
  Task<void> close();

 private:
  friend class Lease;
  struct Idle {
    std::unique_ptr<Connection> connection;
    Deadline::TimePoint since;
  };
  void put_back(std::unique_ptr<Connection> connection);
  Task<Result<std::unique_ptr<Connection>>> connect(Deadline deadline);
  Task<Result<void>> check_server(Connection& connection, Deadline deadline);
  void note(const Result<std::unique_ptr<Connection>>& attempt);
  Task<void> trim(CancelToken token);

  Options options_;
  Semaphore permits_;
  std::deque<Idle> idle_;
  bool checked_ = false;
  bool healthy_ = false;
  std::string problem_;
  bool trimming_ = false;
  TaskGroup group_;
};

}  // namespace dromos::db
