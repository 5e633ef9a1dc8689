#include "common/store/write.h"

#include "common/async/reactor.h"
#include "common/base/fault.h"
#include "common/store/errc.h"

namespace dromos::store {
namespace {

constexpr milliseconds kRetryPause{50};
constexpr milliseconds kGrace{3000};

// A role may end its own backends. No row: it is gone already, as after a restart of the server.
const db::Statement kEnd{"store_end_backend",
                         "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
                         "WHERE pid = $1 AND usename = current_user AND datname = current_database()"};

/// `backend` stays 0 if there was no connection.
Task<Result<db::Rows>> attempt(db::Pool& pool, const db::Statement& statement, db::Params params,
                               Deadline deadline, int& backend) {
  CO_TRY(auto lease, co_await pool.acquire(deadline));
  backend = lease->backend_pid();
  auto rows = co_await lease->exec(statement, std::move(params), deadline);
  if (rows && fault::hit("store.write.reply_lost")) {
    lease->close();
    rows = fail(db::DbErrc::connection_lost, "fault point", Retry::temporary);
  }
  if (rows) co_return std::move(*rows);
  // An answer of the server leaves the connection open, whatever it says.
  if (lease->is_open()) co_return Unexpected(mapped(std::move(rows).error()));
  co_return fail(StoreErrc::unknown, "outcome not known: " + rows.error().message(), Retry::temporary);
}

/// Until the backend of a lost connection is gone, with whatever it was about to commit.
Task<Result<void>> end_backend(db::Pool& pool, int backend, Deadline deadline) {
  // A write that waited for a lock to its deadline must not happen later.
  if (deadline.passed()) deadline = Deadline::after(kGrace);
  while (true) {
    db::Params params;
    params.add_int32(backend);
    const auto rows = co_await pool.exec(kEnd, std::move(params), deadline);
    if (rows && (rows->empty() || rows->boolean(0, 0))) co_return Result<void>{};
    if (deadline.passed())
      co_return fail(Errc::timeout, "the outcome of a write was not learned in time", Retry::timeout);
    co_await sleep_for(kRetryPause);
  }
}

}  // namespace

Task<Result<db::Rows>> write_once(db::Pool& pool, const db::Statement& statement, db::Params params,
                                  Deadline deadline) {
  int backend = 0;
  co_return co_await attempt(pool, statement, std::move(params), deadline, backend);
}

Task<Result<db::Rows>> write_fenced(db::Pool& pool, const db::Statement& statement, db::Params params,
                                    Deadline deadline) {
  int backend = 0;
  auto rows = co_await attempt(pool, statement, std::move(params), deadline, backend);
  if (!rows && rows.error().is(StoreErrc::unknown) && backend != 0)
    CO_TRY_VOID(co_await end_backend(pool, backend, deadline));
  co_return rows;
}

Task<Result<Settled>> write_settled(db::Pool& pool, const db::Statement& statement,
                                    std::function<db::Params()> params, Deadline deadline,
                                    std::optional<StoreErrc> told_done) {
  Settled settled;
  while (true) {
    auto rows = co_await write_fenced(pool, statement, params(), deadline);
    if (rows) {
      settled.rows = std::move(*rows);
      co_return settled;
    }
    const bool lost = rows.error().is(StoreErrc::unknown);
    if (settled.repeated && told_done && rows.error().is(*told_done)) co_return settled;
    settled.repeated = settled.repeated || lost;
    // Once a try may have been done, no connection is no answer.
    const bool again = lost || (settled.repeated && rows.error().may_retry());
    if (!again) co_return Unexpected(std::move(rows).error());
    if (deadline.passed())
      co_return fail(StoreErrc::unknown, "outcome not known: " + rows.error().message(), Retry::temporary);
    if (!lost) co_await sleep_for(kRetryPause);
  }
}

Task<Result<void>> ById::after(Error error, bool lost) {
  unknown = unknown || lost;
  // While an earlier try's outcome is open, no connection is no answer. A unique violation is an earlier try,
  // committed between our look and our insert.
  const bool again =
      lost || error.is(db::DbErrc::unique_violation) || ((unknown || patient) && error.may_retry());
  if (!again) co_return Unexpected(mapped(std::move(error)));
  if (deadline.passed()) {
    if (unknown)
      co_return fail(StoreErrc::unknown, "outcome not known: " + error.message(), Retry::temporary);
    co_return fail(StoreErrc::busy, error.message(), Retry::temporary);
  }
  co_await sleep_for(kRetryPause);
  co_return Result<void>{};
}

Task<Result<db::Rows>> write_by_id(db::Pool& pool, const db::Statement& statement,
                                   std::function<db::Params()> params, Deadline deadline) {
  ById asking{.deadline = deadline};
  while (true) {
    auto rows = co_await write_once(pool, statement, params(), deadline);
    if (rows) co_return std::move(*rows);
    const bool lost = rows.error().is(StoreErrc::unknown);
    CO_TRY_VOID(co_await asking.after(std::move(rows).error(), lost));
  }
}

}  // namespace dromos::store
