// TempDatabase: a database of its own for one test, from the template that tests/lib/pg_cluster prepares.
// Needs the environment variable DROMOS_TEST_PG (conninfo without dbname). Tests only.
#pragma once

#include <string>

namespace dromos::testing {

class TempDatabase {
 public:
  /// `template_name` "dromos_template" has the schema; "template0" is empty. Throws if PostgreSQL cannot be
  /// reached.
  explicit TempDatabase(const std::string& template_name = "dromos_template");
  /// Ends the database's sessions and drops it.
  ~TempDatabase();
  TempDatabase(const TempDatabase&) = delete;
  TempDatabase& operator=(const TempDatabase&) = delete;

  /// As superuser; give a role to connect as a daemon: conninfo("dromos_mta").
  std::string conninfo(const std::string& role = "") const;
  const std::string& name() const { return name_; }
  /// Runs SQL as superuser, blocking; the first column of the first row, or "".
  std::string query(const std::string& sql) const;

 private:
  std::string name_;
};

/// Conninfo of the cluster from DROMOS_TEST_PG; throws with a hint if it is not set.
std::string cluster_conninfo();

}  // namespace dromos::testing
