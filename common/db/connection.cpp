#include "common/db/connection.h"

#include <libpq-fe.h>
#include <sys/socket.h>

#include "common/async/waiter.h"
#include "common/db/result_error.h"

namespace dromos::db {
namespace {

// What every session of Dromos relies on, whatever the server's defaults are. Memoize is never worth it: our
// inner lookups are by unique keys, and copying each row into its cache was 40 % of reading headers.
constexpr char kSessionSettings[] =
    "SET synchronous_commit = on; SET timezone = 'UTC'; SET search_path = pg_catalog; SET "
    "client_min_messages = warning; "
    "SET bytea_output = 'hex'; SET jit = off; SET enable_memoize = off; SET "
    "idle_in_transaction_session_timeout = '30s'";

Task<Result<void>> wait_fd(int fd, Io direction, Deadline deadline, std::string_view doing) {
  const Wake wake = co_await FdWait(fd, direction, deadline);
  if (wake == Wake::ready) co_return Result<void>{};
  co_return fail(DbErrc::timeout, "database: " + std::string(doing) + " took too long", Retry::timeout);
}

std::string trimmed(const char* text) {
  std::string out(text != nullptr ? text : "");
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

}  // namespace

Task<Result<std::unique_ptr<Connection>>> Connection::open(std::string conninfo, Deadline deadline) {
  std::unique_ptr<Connection> connection(new Connection(PQconnectStart(conninfo.c_str())));
  pg_conn* conn = connection->conn_;
  if (conn == nullptr) co_return fail(DbErrc::unavailable, "out of memory", Retry::temporary);
  PostgresPollingStatusType status =
      PQstatus(conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED)
      co_return fail(DbErrc::unavailable, "cannot connect to PostgreSQL: " + trimmed(PQerrorMessage(conn)),
                     Retry::temporary);
    const Io direction = status == PGRES_POLLING_WRITING ? Io::write : Io::read;
    CO_TRY_VOID(co_await wait_fd(PQsocket(conn), direction, deadline, "connecting"));
    status = PQconnectPoll(conn);
  }
  PQsetnonblocking(conn, 1);
  PQsetNoticeProcessor(conn, [](void*, const char*) {}, nullptr);
  PQenterPipelineMode(conn);
  CO_TRY_VOID(co_await connection->script(kSessionSettings, deadline));
  co_return connection;
}

Connection::~Connection() {
  close();
}

void Connection::close() {
  if (conn_ != nullptr) PQfinish(conn_);
  conn_ = nullptr;
}

int Connection::backend_pid() const {
  return conn_ != nullptr ? PQbackendPID(conn_) : 0;
}
int Connection::server_version() const {
  return conn_ != nullptr ? PQserverVersion(conn_) : 0;
}

void Connection::break_for_test() {
  if (conn_ != nullptr) ::shutdown(PQsocket(conn_), SHUT_RDWR);
}

Error Connection::lost(std::string_view doing) {
  Error error(DbErrc::connection_lost,
              "database: " + std::string(doing) + ": " + trimmed(PQerrorMessage(conn_)), Retry::temporary);
  close();
  return error;
}

Result<void> Connection::send(const Call& call) {
  if (!prepared_.contains(call.statement->name)) {
    if (PQsendPrepare(conn_, call.statement->name, call.statement->sql, 0, nullptr) != 1)
      return fail(lost("preparing"));
  }
  thread_local std::vector<const char*> values;
  thread_local std::vector<int> lengths, formats;
  call.params.fill(values, lengths, formats);
  if (PQsendQueryPrepared(conn_, call.statement->name, static_cast<int>(values.size()), values.data(),
                          lengths.data(), formats.data(), 1) != 1)
    return fail(lost("sending"));
  return {};
}

Task<Result<void>> Connection::flush(Deadline deadline) {
  while (true) {
    const int left = PQflush(conn_);
    if (left == 0) co_return Result<void>{};
    if (left < 0) co_return fail(lost("sending"));
    // While we cannot write, the server may be waiting for us to read (libpq, 34.4).
    auto wrote = co_await wait_fd(PQsocket(conn_), Io::read_or_write, deadline, "sending");
    if (!wrote) {
      close();
      co_return fail(std::move(wrote).error());
    }
    if (PQconsumeInput(conn_) != 1) co_return fail(lost("reading"));
  }
}

// The next result, or nullptr where libpq ends the results of one call.
Task<Result<pg_result*>> Connection::next_result(Deadline deadline) {
  while (PQisBusy(conn_) == 1) {
    auto readable = co_await wait_fd(PQsocket(conn_), Io::read, deadline, "waiting for an answer");
    if (!readable) {
      close();
      co_return fail(std::move(readable).error());
    }
    if (PQconsumeInput(conn_) != 1) co_return fail(lost("reading"));
  }
  pg_result* result = PQgetResult(conn_);
  if (result == nullptr && PQstatus(conn_) == CONNECTION_BAD) co_return fail(lost("reading"));
  co_return result;
}

Task<Result<BatchResult>> Connection::run(std::vector<Call> calls, Deadline deadline) {
  if (conn_ == nullptr)
    co_return fail(DbErrc::connection_lost, "database: connection is closed", Retry::temporary);
  // A statement new to this connection yields one more result, its preparation's.
  std::vector<std::pair<int, bool>> expected;  // (call, is a preparation)
  std::vector<const char*> unsure;             // sent for preparation, not yet confirmed
  for (size_t i = 0; i < calls.size(); ++i) {
    const char* name = calls[i].statement->name;
    const bool is_new = !prepared_.contains(name);
    CO_TRY_VOID(send(calls[i]));
    if (is_new) {
      expected.emplace_back(static_cast<int>(i), true);
      unsure.push_back(name);
      prepared_.insert(name);
    }
    expected.emplace_back(static_cast<int>(i), false);
  }
  if (PQpipelineSync(conn_) != 1) co_return fail(lost("sending"));
  CO_TRY_VOID(co_await flush(deadline));

  BatchResult out;
  for (size_t i = 0; i < calls.size(); ++i)
    out.results.push_back(
        fail(DbErrc::aborted, "another statement of the same transaction failed", Retry::temporary));
  for (const auto& [call, preparation] : expected) {
    while (true) {
      CO_TRY(pg_result* const raw, co_await next_result(deadline));
      if (raw == nullptr) break;
      Rows rows(raw);
      const ExecStatusType status = PQresultStatus(raw);
      if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        if (preparation)
          std::erase(unsure, calls[static_cast<size_t>(call)].statement->name);
        else
          out.results[static_cast<size_t>(call)] = std::move(rows);
      } else if (status == PGRES_FATAL_ERROR) {
        Error error = error_of(raw);
        if (error.is(DbErrc::connection_lost)) {
          close();
          co_return fail(std::move(error));
        }
        out.failed = call;
        out.results[static_cast<size_t>(call)] = fail(std::move(error));
      }
    }
  }
  CO_TRY_VOID(co_await drain_to_sync(deadline));
  if (out.failed >= 0) {
    for (size_t i = 0; i < out.results.size(); ++i)
      if (static_cast<int>(i) != out.failed && out.results[i])
        out.results[i] =
            fail(DbErrc::aborted, "another statement of the same transaction failed", Retry::temporary);
    // A preparation outlives the transaction; those behind the failure never took place.
    for (const char* name : unsure) prepared_.erase(name);
  }
  co_return out;
}

Task<Result<void>> Connection::drain_to_sync(Deadline deadline) {
  int nulls = 0;
  while (true) {
    CO_TRY(pg_result* const raw, co_await next_result(deadline));
    if (raw == nullptr) {
      if (++nulls > 2) co_return fail(lost("waiting for the end of the pipeline"));
      continue;
    }
    nulls = 0;
    Rows rows(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_PIPELINE_SYNC) co_return Result<void>{};
    if (status == PGRES_FATAL_ERROR) {
      // A deferred failure of the implicit commit: outcome is "not committed", told by the server.
      Error error = error_of(raw);
      if (error.is(DbErrc::connection_lost)) close();
      co_return fail(std::move(error));
    }
  }
}

Task<Result<Rows>> Connection::exec(const Statement& statement, Params params, Deadline deadline) {
  std::vector<Call> calls;
  calls.push_back(Call{&statement, std::move(params)});
  CO_TRY(BatchResult batch, co_await run(std::move(calls), deadline));
  co_return std::move(batch.results.front());
}

Task<Result<void>> Connection::stream_async(const Statement& statement, Params params,
                                            std::function<Task<Result<void>>(const Rows&)> on_row,
                                            Deadline deadline) {
  if (conn_ == nullptr)
    co_return fail(DbErrc::connection_lost, "database: connection is closed", Retry::temporary);
  if (!prepared_.contains(statement.name)) {
    // Prepared apart, so that the row loop sees only rows.
    if (PQsendPrepare(conn_, statement.name, statement.sql, 0, nullptr) != 1 || PQpipelineSync(conn_) != 1)
      co_return fail(lost("preparing"));
    CO_TRY_VOID(co_await flush(deadline));
    CO_TRY(pg_result* const raw, co_await next_result(deadline));
    Rows rows(raw);
    std::optional<Error> error;
    if (raw != nullptr && PQresultStatus(raw) != PGRES_COMMAND_OK) error = error_of(raw);
    CO_TRY_VOID(co_await drain_to_sync(deadline));
    if (error) co_return fail(std::move(*error));
    prepared_.insert(statement.name);
  }
  CO_TRY_VOID(send(Call{&statement, std::move(params)}));
  if (PQpipelineSync(conn_) != 1) co_return fail(lost("sending"));
  CO_TRY_VOID(co_await flush(deadline));
  PQsetSingleRowMode(conn_);
  std::optional<Error> error;
  while (true) {
    CO_TRY(pg_result* const raw, co_await next_result(deadline));
    if (raw == nullptr) break;
    const Rows rows(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_SINGLE_TUPLE) {
      auto kept = co_await on_row(rows);
      if (!kept) {
        close();  // the rest of the result is not worth reading
        co_return fail(std::move(kept).error());
      }
    } else if (status == PGRES_FATAL_ERROR) {
      error = error_of(raw);
    }
  }
  CO_TRY_VOID(co_await drain_to_sync(deadline));
  if (error) co_return fail(std::move(*error));
  co_return Result<void>{};
}

Task<Result<void>> Connection::stream(const Statement& statement, Params params,
                                      std::function<bool(const Rows&)> on_row, Deadline deadline) {
  if (conn_ == nullptr)
    co_return fail(DbErrc::connection_lost, "database: connection is closed", Retry::temporary);
  bool stopped = false;
  struct Sink {
    static Task<Result<void>> row(std::function<bool(const Rows&)>& callback, bool& stop, const Rows& rows) {
      if (callback(rows)) co_return Result<void>{};
      stop = true;
      co_return fail(cancelled_error("stopped by the reader"));
    }
  };
  auto result = co_await stream_async(
      statement, std::move(params), [&](const Rows& rows) { return Sink::row(on_row, stopped, rows); },
      deadline);
  if (stopped) co_return Result<void>{};
  co_return result;
}

Task<Result<void>> Connection::script(std::string sql, Deadline deadline) {
  if (conn_ == nullptr)
    co_return fail(DbErrc::connection_lost, "database: connection is closed", Retry::temporary);
  if (PQexitPipelineMode(conn_) != 1 || PQsendQuery(conn_, sql.c_str()) != 1) co_return fail(lost("sending"));
  CO_TRY_VOID(co_await flush(deadline));
  std::optional<Error> error;
  while (true) {
    CO_TRY(pg_result* const raw, co_await next_result(deadline));
    if (raw == nullptr) break;
    const Rows rows(raw);
    if (PQresultStatus(raw) == PGRES_FATAL_ERROR && !error) error = error_of(raw);
  }
  if (PQenterPipelineMode(conn_) != 1) co_return fail(lost("entering pipeline mode"));
  if (error) co_return fail(std::move(*error));
  co_return Result<void>{};
}

}  // namespace dromos::db
