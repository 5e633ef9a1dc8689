#include "common/testing/temp_database.h"

#include <libpq-fe.h>

#include <cstdlib>
#include <stdexcept>

#include "common/base/ids.h"
#include "common/base/strings.h"

namespace dromos::testing {
namespace {

std::string blocking_query(const std::string& conninfo, const std::string& sql) {
  PGconn* conn = PQconnectdb(conninfo.c_str());
  std::string error, value;
  if (PQstatus(conn) != CONNECTION_OK) {
    error = PQerrorMessage(conn);
  } else {
    PGresult* result = PQexec(conn, sql.c_str());
    const auto status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      error = PQerrorMessage(conn);
    else if (PQntuples(result) > 0 && PQnfields(result) > 0)
      value = PQgetvalue(result, 0, 0);
    PQclear(result);
  }
  PQfinish(conn);
  if (!error.empty()) throw std::runtime_error("PostgreSQL: " + error + " in: " + sql);
  return value;
}

}  // namespace

std::string cluster_conninfo() {
  const char* text = std::getenv("DROMOS_TEST_PG");
  if (text == nullptr || *text == '\0')
    throw std::runtime_error(
        "DROMOS_TEST_PG is not set: run through tests/run, or start tests/lib/pg_cluster");
  return text;
}

TempDatabase::TempDatabase(const std::string& template_name) {
  const Uuid id = Uuid::v7();
  name_ = "t_" + hex({reinterpret_cast<const char*>(id.bytes.data()), 16});
  blocking_query(cluster_conninfo() + " dbname=postgres",
                 "CREATE DATABASE " + name_ + " TEMPLATE " + template_name);
}

TempDatabase::~TempDatabase() {
  try {
    blocking_query(cluster_conninfo() + " dbname=postgres",
                   "DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
  } catch (const std::exception&) {
    // The cluster goes after the run anyway.
  }
}

std::string TempDatabase::conninfo(const std::string& role) const {
  return cluster_conninfo() + " dbname=" + name_ + (role.empty() ? "" : " user=" + role);
}

std::string TempDatabase::query(const std::string& sql) const {
  return blocking_query(conninfo(), sql);
}

}  // namespace dromos::testing
