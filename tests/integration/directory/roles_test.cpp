// Each role tries to break out of what it was given.
#include <algorithm>

#include "common/db/errc.h"
#include "common/db/transaction.h"
#include "tests/integration/directory/fixture.h"

using namespace dromos;
using namespace dromos::directory;

namespace {

Task<std::string> attempt(World& w, std::string role, std::string sql) {
  auto connection = co_await db::Connection::open(w.database.conninfo(role), soon());
  if (!connection) co_return connection.error().to_string();
  auto done = co_await (*connection)->script(sql, soon());
  co_return done ? "done" : std::string(db::sqlstate_of(done.error()));
}

const std::vector<std::string>& daemons() {
  static const std::vector<std::string> roles{"dromos_mta", "dromos_imapd", "dromos_jmapd", "dromos_spamd"};
  return roles;
}

}  // namespace

TEST_CASE("no daemon reads or writes a table of directory or admin", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    std::vector<std::string> roles = daemons();
    roles.push_back("dromos_admind");
    for (const std::string& role : roles)
      for (const char* table :
           {"directory.account", "directory.credential", "directory.address", "directory.domain",
            "directory.app_password", "directory.secret", "admin.api_key", "admin.administrator",
            "admin.audit", "admin.config_epoch", "admin.setting"}) {
        INFO(role << " " << table);
        CHECK(co_await attempt(w, role, std::string("SELECT * FROM ") + table) == "42501");
        CHECK(co_await attempt(w, role, std::string("DELETE FROM ") + table) == "42501");
      }
  });
}

TEST_CASE("only admind may change the directory", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    for (const std::string& role : daemons()) {
      INFO(role);
      for (const char* call :
           {"directory.domain_create_v1('x.test', true, false)",
            "directory.account_delete_v1('alice@example.test')",
            "directory.account_update_v2('alice@example.test', NULL, NULL, false, NULL)",
            "directory.credential_put(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
            "directory.account_list_v2('', '', 0, 10)", "directory.account_import_v1('[]')",
            "directory.address_delete_v1('alice', 'example.test')", "directory.set_targets(1, '')",
            "admin.api_key_create_v1(true, 'alice@example.test', '', '', '', 0)",
            "admin.setting_put_v1('a', '1')", "admin.administrator_lookup_v1('root')",
            "admin.audit_list_v1('', NULL, 10)", "admin.epoch_bump()",
            "admin.administrator_create_v1('evil', 'owner', '')"}) {
        INFO(call);
        CHECK(co_await attempt(w, role, std::string("SELECT ") + call) == "42501");
      }
    }
    CHECK(co_await attempt(w, "dromos_spamd", "SELECT directory.auth_lookup_v1('alice@example.test')") ==
          "42501");
    CHECK(co_await attempt(w, "dromos_spamd", "SELECT directory.scram_key_v1()") == "42501");
    CHECK(co_await attempt(w, "dromos_mta", "SELECT directory.auth_lookup_v1('alice@example.test')") ==
          "done");
    CHECK(co_await attempt(w, "dromos_mta", "SET ROLE dromos_owner") == "42501");
    CHECK(co_await attempt(w, "dromos_admind", "SELECT directory.domain_create_v1('x.test', true, false)") ==
          "done");
  });
}

TEST_CASE("a daemon cannot shadow a table or function of ours", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    for (const std::string& role : daemons()) {
      INFO(role);
      CHECK(co_await attempt(w, role, "CREATE TABLE directory.x (id bigint)") == "42501");
      CHECK(co_await attempt(w, role, "CREATE SCHEMA evil") == "42501");
      CHECK(co_await attempt(
                w, role, "CREATE FUNCTION public.now() RETURNS int LANGUAGE sql AS 'SELECT 1'") == "42501");
      // Even where temporary tables are allowed (as in this test's database) ours are the ones that are read.
      const std::string shadow = "GRANT TEMPORARY ON DATABASE " + w.database.name() + " TO " + role;
      w.database.query(shadow);
      CHECK(co_await attempt(
                w, role,
                "CREATE TEMP TABLE domain (id bigint, name text);"
                "INSERT INTO domain VALUES (1, 'evil.test');"
                "DO $$ BEGIN IF (SELECT is_local FROM directory.domain_is_local_v1('evil.test')) THEN "
                "RAISE EXCEPTION 'fooled' USING ERRCODE = 'DRBAD'; END IF; END $$") == "done");
    }
  });
}

TEST_CASE("every SECURITY DEFINER function has a fixed search_path and is nobody's by default",
          "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    CHECK(w.database.query(
              "SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p JOIN pg_namespace n ON "
              "n.oid = "
              "p.pronamespace WHERE n.nspname IN ('directory', 'admin') AND p.prosecdef AND NOT EXISTS "
              "(SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=pg_catalog,%pg_temp')") == "");
    CHECK(w.database.query("SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p JOIN "
                           "pg_namespace n ON n.oid = "
                           "p.pronamespace WHERE n.nspname IN ('directory', 'admin') AND "
                           "has_function_privilege('public', p.oid, 'EXECUTE')") == "");
    co_return;
  });
}

TEST_CASE("a daemon cannot replace a password that is in order", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    const AccountId alice = co_await w.account("alice@example.test", "secret");
    const std::string hash = w.database.query("SELECT hash FROM directory.credential");
    const std::string sql = "DO $$ BEGIN IF directory.credential_upgrade_v1(" + std::to_string(alice.value) +
                            ", 'argon2id', '" + hash +
                            "', '$argon2id$evil', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) THEN RAISE "
                            "EXCEPTION 'broke out' USING ERRCODE = 'DRBAD'; END IF; END $$";
    CHECK(co_await attempt(w, "dromos_mta", sql) == "done");
    CHECK(w.database.query("SELECT hash FROM directory.credential") == hash);
  });
}

TEST_CASE("the database itself refuses what must not be stored", "[integration][directory]") {
  in_world([](World& w) -> Task<void> {
    co_await w.account("alice@example.test", "secret");
    struct Case {
      const char* sql;
      const char* state;
    };
    for (const Case& c :
         std::vector<Case>{{"INSERT INTO directory.domain (name) VALUES ('UPPER.test')", "23514"},
                           {"INSERT INTO directory.domain (name) VALUES ('example.test')", "23505"},
                           {"UPDATE directory.address SET local_part = 'Alice'", "23514"},
                           {"UPDATE directory.address SET kind = 'alias'", "23514"},
                           {"UPDATE directory.credential SET scheme = 'plain', hash = 'secret'", "23514"},
                           {"UPDATE directory.credential SET sha256_iterations = 1", "23514"},
                           {"UPDATE directory.credential SET sha256_salt = NULL", "23514"},
                           {"DELETE FROM directory.domain", "23503"},
                           {"INSERT INTO admin.config_epoch VALUES (true, 1)", "23505"}}) {
      INFO(c.sql);
      CHECK(co_await attempt(w, "dromos_owner", c.sql) == c.state);
    }
  });
}
