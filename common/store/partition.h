// The rows of an account in mail.entry, message, blob, blob_chunk and text_extract lie in one of 32 hash
// partitions. A statement that names the parent is planned at each execution (0.2 to 0.5 ms; its general
// plan would hold all 32), one that names the partition once a session, so hot statements on one account's
// rows are kept in 32 versions.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/db/connection.h"

namespace dromos::store {

inline constexpr int kPartitions = 32;

/// The partition of an account, as PostgreSQL's hash partitioning puts bigints (its files and dumps rest on
/// that, so it does not change).
int partition_of(AccountId account);

/// A statement whose SQL has `%p` where the partition's number belongs ("mail.entry_p%p"). Made once, at
/// start.
class AccountStatement {
 public:
  AccountStatement(std::string_view name, std::string_view sql);
  AccountStatement(const AccountStatement&) = delete;
  AccountStatement& operator=(const AccountStatement&) = delete;

  const db::Statement& of(AccountId account) const {
    return statements_[static_cast<size_t>(partition_of(account))];
  }

 private:
  std::array<std::string, kPartitions> names_, texts_;
  std::array<db::Statement, kPartitions> statements_;
};

}  // namespace dromos::store
