// Each role tries to break out of what it was granted. TEMPORARY is left out: rights on the database itself
// do not come along with CREATE DATABASE ... TEMPLATE; 0001 revokes it, and every function has pg_temp last
// in its search_path.
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

const db::Statement kAttempts[] = {
    {"try_write", "DELETE FROM mail.entry"},
    {"try_log", "INSERT INTO mail.changelog (account_id, modseq, mailbox_id, kind) VALUES (1, 1, 1, 4)"},
    {"try_internal", "SELECT mail.next_modseq(1, true)"},
    {"try_queue", "SELECT count(*) FROM queue.body_chunk"},
    {"try_public", "CREATE TABLE public.t (a integer)"},
    {"try_owner", "SET ROLE dromos_owner"},
    {"try_repair", "SELECT mail.repair_account_v1(1)"},
};
const db::Statement kRead{"try_read", "SELECT count(*) FROM mail.entry"};
const db::Statement kPurge{"try_purge", "SELECT mail.account_purge_v1(1, 10)"};
const db::Statement kFlags{"try_flags",
                           "SELECT mail.store_flags_v1(1, 1, '{}'::int8multirange, 1, 1, '', NULL)"};

Task<bool> denied(db::Pool* pool, const db::Statement* statement) {
  auto rows = co_await pool->exec(*statement, db::Params(), soon());
  co_return !rows && rows.error().is(db::DbErrc::permission_denied);
}

Task<void> attempt_all(Fixture* fixture) {
  for (const char* role : {"dromos_mta", "dromos_imapd", "dromos_jmapd", "dromos_spamd", "dromos_admind"}) {
    INFO(role);
    Station station(*fixture, role);
    for (const db::Statement& statement : kAttempts) {
      INFO(statement.sql);
      CHECK(co_await denied(&station.pool, &statement));
    }
    const std::string_view name = role;
    const bool reads = name == "dromos_imapd" || name == "dromos_jmapd";
    CHECK(co_await denied(&station.pool, &kRead) == !reads);
    CHECK(co_await denied(&station.pool, &kFlags) == !reads);
    if (name != "dromos_admind") CHECK(co_await denied(&station.pool, &kPurge));
    co_await station.close();
  }
}

}  // namespace

TEST_CASE("no daemon's role reaches beyond its grants", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(attempt_all(&fixture));
}

}  // namespace dromos::store
