// Internal to the store: mutations over a connection that may break. A lost answer is never told as a
// failure.
#pragma once

#include <functional>

#include "common/db/pool.h"

namespace dromos::store {

/// A mutation that nothing can ask for again: if it was sent and no answer came, StoreErrc::unknown (it may
/// have happened). Every other error means that it did not happen.
Task<Result<db::Rows>> write_once(db::Pool& pool, const db::Statement& statement, db::Params params,
                                  Deadline deadline);

/// A mutation idempotent by a delivery id among its parameters: asked again until the outcome is known;
/// StoreErrc::unknown if the deadline passes before.
Task<Result<db::Rows>> write_by_id(db::Pool& pool, const db::Statement& statement,
                                   std::function<db::Params()> params, Deadline deadline);

}  // namespace dromos::store
