#include "common/db/transaction.h"

namespace dromos::db {
namespace {
constexpr Statement kBegin{"tx_begin", "BEGIN"};
constexpr Statement kCommit{"tx_commit", "COMMIT"};
constexpr Statement kRollback{"tx_rollback", "ROLLBACK"};
}  // namespace

Task<Result<Transaction>> Transaction::begin(Connection& connection, Deadline deadline) {
  CO_TRY_VOID(co_await connection.exec(kBegin, {}, deadline));
  co_return Transaction(connection);
}

Task<Result<void>> Transaction::commit(Deadline deadline) {
  Connection* connection = std::exchange(connection_, nullptr);
  CO_TRY_VOID(co_await connection->exec(kCommit, {}, deadline));
  co_return Result<void>{};
}

Task<Result<void>> Transaction::rollback(Deadline deadline) {
  Connection* connection = std::exchange(connection_, nullptr);
  CO_TRY_VOID(co_await connection->exec(kRollback, {}, deadline));
  co_return Result<void>{};
}

}  // namespace dromos::db
