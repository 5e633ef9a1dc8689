#include "common/db/pool.h"

#include "common/db/migrate.h"
#include "common/log/log.h"

namespace dromos::db {
namespace {
constexpr auto kIdleTime = std::chrono::seconds(30);
constexpr Statement kDurable{
    "db_durable",
    "SELECT current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on', "
    "pg_catalog.pg_is_in_recovery()"};
constexpr Statement kAlive{"db_alive", "SELECT 1"};
}  // namespace

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = other.pool_;
    connection_ = std::move(other.connection_);
  }
  return *this;
}

void Lease::give_back() {
  if (connection_ != nullptr) pool_->put_back(std::move(connection_));
}

Pool::Pool(Options options) : options_(std::move(options)), permits_(options_.max) {}
Pool::~Pool() = default;

Task<Result<std::unique_ptr<Connection>>> Pool::connect(Deadline deadline) {
  CO_TRY(auto connection, co_await Connection::open(options_.conninfo, deadline));
  if (options_.by_index) CO_TRY_VOID(co_await connection->script("SET enable_seqscan = off", deadline));
  if (checked_) co_return connection;
  CO_TRY_VOID(co_await check_server(*connection, deadline));
  checked_ = true;
  co_return connection;
}

Task<Result<void>> Pool::check_server(Connection& connection, Deadline deadline) {
  if (options_.require_durable) {
    CO_TRY(const Rows rows, co_await connection.exec(kDurable, {}, deadline));
    if (!rows.boolean(0, 0))
      co_return fail(
          DbErrc::unavailable,
          "PostgreSQL runs with fsync or full_page_writes off and would lose mail in a crash: set both to on",
          Retry::temporary);
    if (rows.boolean(0, 1))
      co_return fail(DbErrc::unavailable,
                     "PostgreSQL is a read-only standby: name the primary, or several hosts with "
                     "target_session_attrs=read-write",
                     Retry::temporary);
  }
  if (options_.require_schema) CO_TRY_VOID(co_await check_schema(connection, deadline));
  co_return Result<void>{};
}

/// One line when it begins and when it ends, however often it is tried meanwhile.
void Pool::note(const Result<std::unique_ptr<Connection>>& attempt) {
  healthy_ = attempt.has_value();
  const std::string problem = attempt ? "" : attempt.error().message();
  if (problem == problem_) return;
  if (problem.empty())
    log::info("database.ready", {});
  else
    log::error("database.refused", {{"err", problem}});
  problem_ = problem;
}

Task<Result<Lease>> Pool::acquire(Deadline deadline) {
  const Wake wake = co_await permits_.acquire(deadline);
  if (wake != Wake::ready)
    co_return fail(DbErrc::timeout,
                   "all " + std::to_string(options_.max) + " database connections stayed busy",
                   Retry::timeout);
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back().connection);
    idle_.pop_back();
    if (connection->is_open()) co_return Lease(this, std::move(connection));
  }
  auto connection = co_await connect(deadline);
  note(connection);
  if (!connection) {
    permits_.release();
    co_return fail(std::move(connection).error());
  }
  co_return Lease(this, std::move(*connection));
}

void Pool::put_back(std::unique_ptr<Connection> connection) {
  if (connection->is_open()) {
    idle_.push_back({std::move(connection), std::chrono::steady_clock::now()});
    if (idle_.size() > options_.idle && !trimming_ && !group_.token().cancelled()) {
      trimming_ = true;
      group_.spawn(trim(group_.token()));
    }
  } else {
    // The server may have restarted as something else.
    checked_ = false;
    healthy_ = false;
    for (auto& idle : idle_) idle.connection->close();
    idle_.clear();
  }
  permits_.release();
}

Task<void> Pool::trim(CancelToken token) {
  while (idle_.size() > options_.idle && !token.cancelled()) {
    co_await sleep_for(seconds(5), token);
    const auto limit = std::chrono::steady_clock::now() - kIdleTime;
    while (idle_.size() > options_.idle && idle_.front().since < limit) idle_.pop_front();
  }
  trimming_ = false;
}

Task<Result<Rows>> Pool::exec(const Statement& statement, Params params, Deadline deadline) {
  CO_TRY(Lease lease, co_await acquire(deadline));
  co_return co_await lease->exec(statement, std::move(params), deadline);
}

Task<Result<BatchResult>> Pool::run(std::vector<Call> calls, Deadline deadline) {
  CO_TRY(Lease lease, co_await acquire(deadline));
  co_return co_await lease->run(std::move(calls), deadline);
}

Task<Result<void>> Pool::stream(const Statement& statement, Params params,
                                std::function<bool(const Rows&)> on_row, Deadline deadline) {
  CO_TRY(Lease lease, co_await acquire(deadline));
  co_return co_await lease->stream(statement, std::move(params), std::move(on_row), deadline);
}

Task<Result<void>> Pool::stream_async(const Statement& statement, Params params,
                                      std::function<Task<Result<void>>(const Rows&)> on_row,
                                      Deadline deadline) {
  CO_TRY(Lease lease, co_await acquire(deadline));
  co_return co_await lease->stream_async(statement, std::move(params), std::move(on_row), deadline);
}

Task<void> Pool::check(Deadline deadline) {
  (void)co_await exec(kAlive, {}, deadline);
}

Task<void> Pool::close() {
  co_await group_.close();
  idle_.clear();
}

}  // namespace dromos::db
