#include "common/db/migrate.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/db/errc.h"

namespace dromos::db {
namespace {

// One process migrates at a time; the lock goes with the session. The table has a schema of its own, which
// every role may read: daemons compare it with what they were built for.
constexpr char kPrepare[] =
    "SELECT pg_advisory_lock(7305011);"
    "CREATE SCHEMA IF NOT EXISTS migration;"
    "CREATE TABLE IF NOT EXISTS migration.applied ("
    "  number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
    "GRANT USAGE ON SCHEMA migration TO PUBLIC; GRANT SELECT ON migration.applied TO PUBLIC";
// The first run is a superuser's (it makes the roles); later ones are the owner's.
constexpr char kFinish[] =
    "DO $$ BEGIN"
    "  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
    "     AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'dromos_owner') THEN"
    "    ALTER SCHEMA migration OWNER TO dromos_owner; ALTER TABLE migration.applied OWNER TO dromos_owner;"
    "  END IF; END $$;"
    "SELECT pg_advisory_unlock(7305011)";
constexpr Statement kHasTable{"migrate_has_table", "SELECT to_regclass('migration.applied') IS NOT NULL"};
constexpr Statement kApplied{"migrate_applied", "SELECT number FROM migration.applied ORDER BY number"};

// Files below it make the roles, and run as whoever connects. All others run as the owner, also when a
// superuser migrates: SECURITY DEFINER functions act with the rights of their owner.
constexpr int kFirstOwned = 10;

std::string transaction(const Migration& migration) {
  // name comes from our own file list: [0-9a-z_] only. Recorded first, before the role changes.
  std::string text = "BEGIN;\nINSERT INTO migration.applied(number, name) VALUES (" +
                     std::to_string(migration.number) + ", '" + std::string(migration.name) + "');\n";
  if (migration.number >= kFirstOwned) text += "SET LOCAL ROLE dromos_owner;\n";
  return text + std::string(migration.sql) + "\n;COMMIT";
}

}  // namespace

Task<Result<MigrationState>> migration_state(Connection& connection, Deadline deadline) {
  CO_TRY(const Rows has_table, co_await connection.exec(kHasTable, {}, deadline));
  std::vector<int64_t> there;
  if (has_table.boolean(0, 0)) {
    CO_TRY(const Rows applied, co_await connection.exec(kApplied, {}, deadline));
    for (size_t i = 0; i < applied.size(); ++i) there.push_back(applied.integer(i, 0));
  }
  MigrationState state;
  if (!there.empty()) state.applied = static_cast<int>(there.back());
  for (const auto& migration : embedded_migrations()) {
    state.expected = std::max(state.expected, migration.number);
    if (state.missing.empty() && !std::binary_search(there.begin(), there.end(), migration.number))
      state.missing = migration.name;
  }
  co_return state;
}

Task<Result<void>> check_schema(Connection& connection, Deadline deadline) {
  CO_TRY(const MigrationState state, co_await migration_state(connection, deadline));
  if (state.missing.empty()) co_return Result<void>{};
  std::string what = "schema is at " + std::to_string(state.applied) + ", this daemon needs " +
                     std::to_string(state.expected);
  if (state.applied >= state.expected)
    what = "schema lacks " + state.missing;  // numbers may land out of order
  co_return fail(DbErrc::unavailable, what + ": run dromosctl migrate", Retry::temporary);
}

Task<Result<int>> migrate(Connection& connection, const std::vector<Migration>& migrations,
                          std::function<void(std::string_view)> progress, Deadline deadline) {
  CO_TRY_VOID(co_await connection.script(kPrepare, deadline));
  CO_TRY(const Rows applied, co_await connection.exec(kApplied, {}, deadline));
  std::vector<int64_t> done;
  for (size_t i = 0; i < applied.size(); ++i) done.push_back(applied.integer(i, 0));
  int count = 0;
  for (const auto& migration : migrations) {
    if (std::find(done.begin(), done.end(), migration.number) != done.end()) continue;
    if (progress) progress(migration.name);
    auto ran = co_await connection.script(transaction(migration), deadline);
    if (!ran) {
      auto undone = co_await connection.script("ROLLBACK", deadline);
      co_return fail(std::move(ran).error().with_context("migration " + std::string(migration.name)));
    }
    ++count;
  }
  CO_TRY_VOID(co_await connection.script(kFinish, deadline));
  co_return count;
}

}  // namespace dromos::db
