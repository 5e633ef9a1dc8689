// Migrations: numbered, forward only, each in one transaction, recorded in
// migration.applied.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/connection.h"

namespace dromos::db {

struct Migration {
  int number;
  std::string_view name;  ///< "0020_mail"
  std::string_view sql;
};

/// The migrations compiled into this program, in order (common/store/migrations/*.sql).
const std::vector<Migration>& embedded_migrations();

struct MigrationState {
  int applied = 0;      ///< highest number in the database, 0 for none
  int expected = 0;     ///< highest number in this program
  std::string missing;  ///< the first of this program's that the database lacks, "" for none
};
Task<Result<MigrationState>> migration_state(Connection& connection, Deadline deadline);

/// unavailable, in words for the operator, if the database lacks a migration that this program was built
/// with. A newer database is fine: migrations add, so that version N-1 of a daemon runs beside N.
Task<Result<void>> check_schema(Connection& connection, Deadline deadline);

/// Applies what is missing under an advisory lock; tells `progress` each name. Errors name the file.
Task<Result<int>> migrate(Connection& connection, const std::vector<Migration>& migrations,
                          std::function<void(std::string_view)> progress, Deadline deadline);

}  // namespace dromos::db
