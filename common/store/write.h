// Internal to the store: mutations over a connection that may break. A lost answer is never told as a
// failure.
#pragma once

#include <functional>
#include <optional>

#include "common/db/pool.h"
#include "common/store/errc.h"

namespace dromos::store {

/// A mutation that nothing can ask for again: if it was sent and no answer came, StoreErrc::unknown (it may
/// have happened). Every other error means that it did not happen.
Task<Result<db::Rows>> write_once(db::Pool& pool, const db::Statement& statement, db::Params params,
                                  Deadline deadline);

/// A mutation that may be done twice with the same result. If its answer is lost, the lost backend is ended
/// first (it could still commit, after whatever comes next), then it is asked again; `repeated` tells so: the
/// answer is then of the last try. StoreErrc::unknown if the deadline passes before. `told_done` is the error
/// that a try gets if an earlier one had happened: then there are no rows.
struct Settled {
  db::Rows rows;
  bool repeated = false;
};
Task<Result<Settled>> write_settled(db::Pool& pool, const db::Statement& statement,
                                    std::function<db::Params()> params, Deadline deadline,
                                    std::optional<StoreErrc> told_done = std::nullopt);

/// Like write_once, but StoreErrc::unknown is told only when the lost backend has ended: what can be read
/// then is what happened. Errc::timeout if that could not be learned.
Task<Result<db::Rows>> write_fenced(db::Pool& pool, const db::Statement& statement, db::Params params,
                                    Deadline deadline);

/// What is known of a mutation that is idempotent by a delivery id, between its tries.
struct ById {
  Deadline deadline;
  bool patient = false;  ///< waits for locks and connections until the deadline
  bool unknown = false;  ///< a try was sent and not answered

  /// After a failed try: returns once the next one may be made, or fails with what is to be told.
  /// StoreErrc::unknown if the deadline has passed while a try's outcome was open, StoreErrc::busy otherwise.
  Task<Result<void>> after(Error error, bool lost);
};

/// A mutation idempotent by a delivery id among its parameters: asked again until the outcome is known;
/// StoreErrc::unknown if the deadline passes before.
Task<Result<db::Rows>> write_by_id(db::Pool& pool, const db::Statement& statement,
                                   std::function<db::Params()> params, Deadline deadline);

}  // namespace dromos::store
