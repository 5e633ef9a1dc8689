#include "common/store/write.h"

#include "common/async/reactor.h"
#include "common/store/errc.h"

namespace dromos::store {
namespace {

constexpr milliseconds kRetryPause{50};

}  // namespace

Task<Result<db::Rows>> write_once(db::Pool& pool, const db::Statement& statement, db::Params params,
                                  Deadline deadline) {
  CO_TRY(auto lease, co_await pool.acquire(deadline));
  auto rows = co_await lease->exec(statement, std::move(params), deadline);
  if (rows) co_return std::move(*rows);
  // An answer of the server leaves the connection open, whatever it says.
  if (lease->is_open()) co_return Unexpected(mapped(std::move(rows).error()));
  co_return fail(StoreErrc::unknown, "outcome not known: " + rows.error().message(), Retry::temporary);
}

Task<Result<db::Rows>> write_by_id(db::Pool& pool, const db::Statement& statement,
                                   std::function<db::Params()> params, Deadline deadline) {
  bool unknown = false;
  while (true) {
    auto rows = co_await write_once(pool, statement, params(), deadline);
    if (rows) co_return std::move(*rows);
    unknown = unknown || rows.error().is(StoreErrc::unknown);
    // While an earlier try's outcome is open, no connection is no answer. A unique violation is that try,
    // committed between our look and our insert.
    const bool again = rows.error().is(StoreErrc::unknown) || rows.error().is(db::DbErrc::unique_violation) ||
                       (unknown && rows.error().may_retry());
    if (!again) co_return Unexpected(std::move(rows).error());
    if (deadline.passed())
      co_return fail(StoreErrc::unknown, "outcome not known: " + rows.error().message(), Retry::temporary);
    co_await sleep_for(kRetryPause);
  }
}

}  // namespace dromos::store
