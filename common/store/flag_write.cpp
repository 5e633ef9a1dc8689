#include "common/store/flag_write.h"

namespace dromos::store {

UidSet uids_of(const db::Rows& rows, size_t row, int column) {
  auto set = UidSet::parse_sql(rows.bytes(row, column));
  return set ? std::move(*set) : UidSet();
}

Task<Result<StoreResult>> write_flags(db::Pool& pool, const db::Statement& statement, AccountId account,
                                      std::function<db::Params()> params, bool conditional,
                                      Deadline deadline) {
  Settled settled;
  if (conditional) {
    CO_TRY(settled.rows, co_await write_fenced(pool, statement, params(), deadline));
  } else {
    CO_TRY(settled, co_await write_settled(pool, statement, std::move(params), deadline));
  }
  const db::Rows& rows = settled.rows;
  StoreResult stored;
  stored.change = {account, rows.maybe_integer(0, 0).value_or(0)};
  stored.changed = uids_of(rows, 0, 1);
  stored.failed = uids_of(rows, 0, 2);
  stored.before = rows.integer(0, 3);
  stored.repeated = settled.repeated;
  co_return stored;
}

}  // namespace dromos::store
