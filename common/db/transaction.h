// Transaction: statements of several round trips that commit together. For work whose next statement depends
// on an earlier answer; where it does not, one Batch is a transaction by itself and cheaper. Never hold one
// while a client thinks.
#pragma once

#include "common/db/connection.h"

namespace dromos::db {

class Transaction {
 public:
  static Task<Result<Transaction>> begin(Connection& connection, Deadline deadline);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  /// Not committed: the connection is closed, which rolls back.
  ~Transaction() {
    if (connection_ != nullptr) connection_->close();
  }
  Task<Result<Rows>> exec(const Statement& statement, Params params, Deadline deadline) {
    return connection_->exec(statement, std::move(params), deadline);
  }
  Task<Result<void>> commit(Deadline deadline);
  Task<Result<void>> rollback(Deadline deadline);

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace dromos::db
