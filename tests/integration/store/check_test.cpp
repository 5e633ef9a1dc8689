// What holds the store's rules: each breach that mail.check_account_v3 and mail.check_global_v1 can report is
// made by hand and seen, and repair mends what it says it mends; what a domain or CHECK holds is refused with
// 23514.
#include <set>

#include "common/db/transaction.h"
#include "common/store/entries.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

struct Breach {
  const char* problem;
  const char* sql;  ///< $A: the account
  bool mended;      ///< by repair
};

/// Each on an account with a message in INBOX (entry) and one that was expunged.
const Breach kBreaches[] = {
    {"counters", "UPDATE mail.mailbox SET all_count = 7 WHERE account_id = $A AND special_use = 'inbox'",
     true},
    {"uidnext", "UPDATE mail.mailbox SET uidnext = 2 WHERE account_id = $A AND special_use = 'inbox'", true},
    {"modseq", "UPDATE mail.entry SET modseq = 99 WHERE account_id = $A", true},
    {"modseq", "UPDATE mail.mailbox SET highestmodseq = 99 WHERE account_id = $A AND special_use = 'inbox'",
     true},
    {"uidvalidity",
     "UPDATE mail.mailbox SET uidvalidity = 4000000000 WHERE account_id = $A AND special_use = 'junk'", true},
    {"inbox", "DELETE FROM mail.mailbox WHERE account_id = $A AND special_use = 'inbox'", true},
    {"mailbox cycle",
     "UPDATE mail.mailbox m SET parent_id = (SELECT o.mailbox_id FROM mail.mailbox o WHERE o.account_id = $A "
     "AND "
     "o.special_use = CASE m.special_use WHEN 'junk' THEN 'trash' ELSE 'junk' END) "
     "WHERE m.account_id = $A AND m.special_use IN ('junk', 'trash')",
     false},
    {"entry without mailbox",
     "INSERT INTO mail.entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, size) "
     "SELECT account_id, 999999, uid, modseq, message_id, thread_id, received_at, size FROM mail.entry "
     "WHERE account_id = $A",
     false},
    {"entry without message",
     "DELETE FROM mail.message m USING mail.entry e WHERE m.account_id = $A AND e.account_id = $A AND "
     "e.message_id = m.message_id",
     false},
    {"entry differs from message", "UPDATE mail.entry SET size = size + 1 WHERE account_id = $A", false},
    {"entry differs from message",
     "UPDATE mail.entry SET thread_id = gen_random_uuid() WHERE account_id = $A", false},
    {"message without entry", "DELETE FROM mail.entry WHERE account_id = $A", true},
    {"expunged without message",
     "DELETE FROM mail.message m USING mail.expunged e WHERE m.account_id = $A AND e.account_id = $A AND "
     "e.message_id = m.message_id",
     false},
    {"expunged twice",
     "INSERT INTO mail.expunged SELECT account_id, mailbox_id, uid, modseq, message_id, at + interval '1 s', "
     "received_at, flags, keywords FROM mail.expunged WHERE account_id = $A",
     false},
    {"message without blob", "DELETE FROM mail.blob WHERE account_id = $A", false},
    {"blob references", "UPDATE mail.blob SET refs = refs + 1 WHERE account_id = $A", true},
    {"blob row", "UPDATE mail.blob SET header_size = size + 1 WHERE account_id = $A", false},
    {"blob row", "UPDATE mail.blob SET chunks = 0 WHERE account_id = $A", false},
    {"blob row", "UPDATE mail.blob SET idle_since = now() WHERE account_id = $A", true},
    {"blob row", "UPDATE mail.blob SET location = 'nowhere' WHERE account_id = $A", false},
    {"blob row", "UPDATE mail.blob SET body = NULL WHERE account_id = $A", false},
    {"blob chunks", "UPDATE mail.blob SET chunks = 3 WHERE account_id = $A", false},
    {"chunk without blob",
     "INSERT INTO mail.blob_chunk (account_id, hash, chunk_no, codec, data) "
     "VALUES ($A, sha256('other'), 2, 0, 'x')",
     true},
    {"text without message",
     "INSERT INTO mail.text_extract (account_id, message_id, codec, data) VALUES ($A, gen_random_uuid(), 0, "
     "'x')",
     true},
    {"usage", "UPDATE mail.account_state SET used_bytes = used_bytes + 1 WHERE account_id = $A", true},
    {"usage", "UPDATE mail.account_state SET used_messages = 0 WHERE account_id = $A", true},
    {"retention", "UPDATE mail.account_state SET expunged_since = NULL WHERE account_id = $A", true},
    {"changelog",
     "INSERT INTO mail.changelog (account_id, modseq, mailbox_id, kind) SELECT $A, 999, mailbox_id, 5 "
     "FROM mail.mailbox WHERE account_id = $A AND special_use = 'inbox'",
     true},
    {"change not logged", "DELETE FROM mail.changelog WHERE account_id = $A AND kind = 1", true},
    {"grant to no group",
     "WITH d AS (INSERT INTO directory.domain (name) VALUES ('d$A.test') RETURNING id), "
     "g AS (INSERT INTO directory.address (domain_id, local_part, kind, send_as) SELECT id, 'team', 'alias', "
     "false FROM d "
     "RETURNING id) "
     "INSERT INTO mail.acl SELECT $A, m.mailbox_id, NULL, g.id, false, 3 FROM mail.mailbox m, g "
     "WHERE m.account_id = $A AND m.special_use = 'inbox'",
     true},
    {"grant to no account",
     "WITH a AS (INSERT INTO directory.account (id) OVERRIDING SYSTEM VALUE VALUES (1000000 + $A) RETURNING "
     "id) "
     "INSERT INTO mail.acl SELECT $A, m.mailbox_id, a.id, NULL, false, 3 FROM mail.mailbox m, a "
     "WHERE m.account_id = $A AND m.special_use = 'inbox'",
     true},
    {"annotation of the server",
     "INSERT INTO mail.annotation (account_id, name, value) VALUES ($A, '/shared/comment', 'x')", true},
    {"annotation of the server by another",
     "INSERT INTO mail.annotation (account_id, reader_id, name, value) VALUES ($A, 1, '/private/comment', "
     "'x')",
     true},
    {"private seen of no message",
     "INSERT INTO mail.private_seen SELECT $A, mailbox_id, 1000000, 2, '{[1,1000)}', '{}' "
     "FROM mail.mailbox WHERE account_id = $A AND special_use = 'inbox'",
     true},
    {"private seen twice",
     "INSERT INTO mail.private_seen SELECT $A, mailbox_id, 1000000, n, '{[1,2)}', '{}' "
     "FROM mail.mailbox, generate_series(2, 3) n WHERE account_id = $A AND special_use = 'inbox'",
     true},
    {"private seen modseq",
     "INSERT INTO mail.private_seen SELECT $A, mailbox_id, 1000000, 999, '{[1,2)}', '{[1,2)}' "
     "FROM mail.mailbox WHERE account_id = $A AND special_use = 'inbox'",
     true},
    {"lesson without message",
     "INSERT INTO mail.lesson (account_id, message_id, spam) VALUES ($A, gen_random_uuid(), true)", true},
};

const Breach kGlobalBreaches[] = {
    {"queue message without recipients",
     "WITH b AS (INSERT INTO queue.body (body_id, size, chunks) VALUES (gen_random_uuid(), 1, 1) RETURNING "
     "body_id), "
     "c AS (INSERT INTO queue.body_chunk (body_id, chunk_no, codec, data) SELECT body_id, 0, 0, 'x' FROM b) "
     "INSERT INTO queue.message (queue_id, body_id, trace_id, sender, size, expires_at) "
     "SELECT gen_random_uuid(), body_id, gen_random_uuid(), '', 1, now() FROM b",
     false},
    {"queue body incomplete",
     "INSERT INTO queue.body (body_id, size, chunks) VALUES (gen_random_uuid(), 1, 2)", false},
    {"rows outside the partitions by time",
     "INSERT INTO mail.trace (trace_id, at, daemon, event) VALUES (gen_random_uuid(), now() + interval '1 "
     "year', "
     "'mta', 'x')",
     false},
};

/// Kinds that a function can report, read out of its source.
std::set<std::string> kinds_of(const Fixture& fixture, const std::string& function) {
  const std::string list = fixture.database.query(
      "SELECT string_agg(DISTINCT m[1], ',') FROM pg_proc, regexp_matches(prosrc, 'SELECT ''([a-z ]+)'',', "
      "'g') m "
      "WHERE oid = 'mail." +
      function + "'::regproc");
  std::set<std::string> kinds;
  size_t at = 0;
  while (at <= list.size()) {
    const size_t end = std::min(list.find(',', at), list.size());
    kinds.insert(list.substr(at, end - at));
    at = end + 1;
  }
  return kinds;
}

template <size_t N>
std::set<std::string> kinds_in(const Breach (&breaches)[N]) {
  std::set<std::string> kinds;
  for (const Breach& breach : breaches) kinds.insert(breach.problem);
  return kinds;
}

std::string for_account(std::string sql, int64_t account) {
  for (size_t at = sql.find("$A"); at != std::string::npos; at = sql.find("$A", at))
    sql.replace(at, 2, std::to_string(account));
  return sql;
}

Task<std::set<std::string>> found_in(db::Pool* pool, int64_t account) {
  std::set<std::string> found;
  Check check(*pool);
  auto on_problem = [&found](const Problem& problem) { found.insert(problem.problem); };
  auto count = co_await check.run_account({account}, on_problem, soon());
  REQUIRE(count.has_value());
  co_return found;
}

Task<void> fill(Station* station, int64_t account) {
  Entries entries(station->pool);
  for (const char* text : {"stays", "goes"}) {
    auto given = co_await station->deliverer.deliver(delivery_to({account}, text), soon());
    REQUIRE(given);
    const TargetResult& at = given->targets[0];
    if (std::string_view(text) == "stays") continue;
    UidSet uids;
    uids.add(at.uid);
    REQUIRE(co_await entries.expunge({account}, at.mailbox, uids, false, soon()));
  }
}

Task<void> break_accounts(Fixture* fixture) {
  Station station(*fixture);
  Check check(station.pool);
  for (size_t i = 0; i < std::size(kBreaches); ++i) {
    const Breach& breach = kBreaches[i];
    const auto account = static_cast<int64_t>(i + 1);
    INFO(breach.problem << ": " << breach.sql);
    co_await fill(&station, account);
    REQUIRE(co_await found_in(&station.pool, account) == std::set<std::string>{});
    fixture->database.query(for_account(breach.sql, account));
    CHECK((co_await found_in(&station.pool, account)).count(breach.problem) == 1);
    REQUIRE(co_await check.repair({account}, soon()));
    CHECK((co_await found_in(&station.pool, account)).count(breach.problem) == (breach.mended ? 0 : 1));
  }
  co_await station.close();
}

Task<void> break_globally(Fixture* fixture) {
  Station station(*fixture);
  CHECK(co_await problems(&station.pool) == 0);
  for (const Breach& breach : kGlobalBreaches) {
    INFO(breach.problem);
    fixture->database.query(breach.sql);
    std::set<std::string> found;
    Check check(station.pool);
    auto on_problem = [&found](const Problem& problem) { found.insert(problem.problem); };
    REQUIRE(co_await check.run(on_problem, soon()));
    CHECK(found.count(breach.problem) == 1);
  }
  co_await station.close();
}

Task<void> fill_one(Fixture* fixture) {
  Station station(*fixture);
  co_await fill(&station, 1);
  co_await station.close();
}

const db::Statement kHold{"test_hold",
                          "SELECT account_id FROM mail.account_state WHERE account_id = 1 FOR UPDATE"};
const db::Statement kHoldAtOnce{
    "test_hold_at_once", "SELECT account_id FROM mail.account_state WHERE account_id = 1 FOR UPDATE NOWAIT"};
const db::Statement kCheck{"test_check", "SELECT problem FROM mail.check_account_v3(1)"};

Task<void> check_beside_a_lock(Fixture* fixture) {
  Station station(*fixture);
  co_await fill(&station, 1);
  fixture->database.query("UPDATE mail.account_state SET used_bytes = used_bytes + 1 WHERE account_id = 1");
  auto lease = co_await station.pool.acquire(soon());
  REQUIRE(lease);
  auto holder = co_await db::Transaction::begin(*lease.value(), soon());
  REQUIRE(holder);
  REQUIRE(co_await holder->exec(kHold, db::Params(), soon()));
  CHECK(co_await found_in(&station.pool, 1) == std::set<std::string>{"usage"});
  REQUIRE(co_await holder->rollback(soon()));
  // The other way round: a transaction that has checked holds nobody up.
  auto checker = co_await db::Transaction::begin(*lease.value(), soon());
  REQUIRE(checker);
  auto found = co_await checker->exec(kCheck, db::Params(), soon());
  REQUIRE(found);
  CHECK(found->size() == 1);
  CHECK(co_await station.pool.exec(kHoldAtOnce, db::Params(), soon()));
  REQUIRE(co_await checker->rollback(soon()));
  lease = {};
  co_await station.close();
}

const char* const kRefused[] = {
    // Domains, by the columns that have them.
    "UPDATE mail.entry SET uid = 0",
    "UPDATE mail.entry SET uid = 4294967296",
    "UPDATE mail.entry SET flags = 32",
    "UPDATE mail.entry SET flags = -1",
    "UPDATE mail.entry SET size = -1",
    "UPDATE mail.expunged SET uid = 0",
    "UPDATE mail.expunged SET flags = 64",
    "UPDATE mail.message SET size = -1",
    "UPDATE mail.message SET blob_hash = 'short'",
    "UPDATE mail.blob SET hash = sha256('x') || '\\x00'",
    "UPDATE mail.blob SET size = -1",
    "UPDATE mail.blob SET header_size = -1",
    "UPDATE mail.blob SET refs = -1",
    "INSERT INTO mail.blob_chunk (account_id, hash, chunk_no, codec, data) VALUES (1, sha256('x'), 1, 0, "
    "'x')",
    "INSERT INTO mail.account_state (account_id, uidvalidity_next) VALUES (0, 1)",
    "UPDATE mail.account_state SET modseq = 0",
    "UPDATE mail.account_state SET email_modseq = 0",
    "UPDATE mail.account_state SET mailbox_modseq = 0",
    "UPDATE mail.account_state SET thread_modseq = 0",
    "UPDATE mail.account_state SET state_epoch = -1",
    "UPDATE mail.account_state SET uidvalidity_next = 0",
    "UPDATE mail.account_state SET quota_bytes = -1",
    "UPDATE mail.account_state SET quota_messages = -1",
    "UPDATE mail.account_state SET quota_mailboxes = -1",
    "UPDATE mail.account_state SET used_bytes = -1",
    "UPDATE mail.account_state SET used_messages = -1",
    "UPDATE mail.account_state SET changelog_floor = -1",
    "UPDATE mail.mailbox SET mailbox_id = -1 WHERE special_use = 'junk'",
    "UPDATE mail.mailbox SET uidvalidity = 0",
    "UPDATE mail.mailbox SET uidnext = 4294967297",
    "UPDATE mail.mailbox SET special_use = 'spam' WHERE special_use = 'junk'",
    "UPDATE mail.mailbox SET name = '' WHERE special_use = 'junk'",
    "UPDATE mail.mailbox SET name = 'a/b' WHERE special_use = 'junk'",
    "UPDATE mail.mailbox SET name = 'a' || chr(10) WHERE special_use = 'junk'",
    "UPDATE mail.mailbox SET name = repeat('x', 256) WHERE special_use = 'junk'",
    "UPDATE mail.mailbox SET name = 'e' || chr(769) WHERE special_use = 'junk'",  // not NFC
    "UPDATE mail.changelog SET kind = 7",
    "INSERT INTO mail.keyword (account_id, mailbox_id, name) SELECT 1, mailbox_id, '' FROM mail.mailbox "
    "LIMIT 1",
    // Columns tied together.
    "UPDATE mail.account_state SET email_modseq = modseq + 1",
    "UPDATE mail.account_state SET mailbox_modseq = modseq + 1",
    "UPDATE mail.account_state SET thread_modseq = modseq + 1",
    "UPDATE mail.account_state SET changelog_floor = modseq + 1",
    "UPDATE mail.mailbox SET created_modseq = modseq + 1",
    "UPDATE mail.mailbox SET modseq = highestmodseq + 1",
    "UPDATE mail.mailbox SET modseq = 3, highestmodseq = 2",
    "UPDATE mail.mailbox SET all_seen = all_count + 1",
    "UPDATE mail.mailbox SET live_count = all_count + 1",
    "UPDATE mail.mailbox SET live_seen = live_count + 1, all_seen = all_count",
    "UPDATE mail.mailbox SET live_bytes = all_bytes + 1",
    "UPDATE mail.changelog SET uids = NULL WHERE kind = 1",
    "UPDATE mail.changelog SET message_ids = NULL WHERE kind = 3",
    "INSERT INTO mail.changelog (account_id, modseq, mailbox_id, kind, uids, message_ids) VALUES (1, 1, 1, "
    "5, '{}', '{}')",
    // Triggers.
    "UPDATE mail.mailbox SET parent_id = mailbox_id WHERE special_use = 'junk'",
    "UPDATE mail.mailbox SET name = 'Inbox' WHERE special_use = 'inbox'",
    "UPDATE mail.mailbox SET special_use = NULL WHERE special_use = 'inbox'",
    "UPDATE mail.mailbox SET name = 'INBOX' WHERE special_use = 'junk'",
};

}  // namespace

TEST_CASE("each breach of an account's rules is found, and mended where repair says so",
          "[integration][store]") {
  Fixture fixture(static_cast<int>(std::size(kBreaches)));
  std::set<std::string> kinds = kinds_of(fixture, "check_mail");
  kinds.merge(kinds_of(fixture, "check_sharing"));
  fixture.database.query("SELECT mail.account_create_v1(1000000, NULL)");  // a reader of all
  fixture.database.query("UPDATE mail.mailbox SET seen_rule = 1");
  CHECK(kinds == kinds_in(kBreaches));  // a new rule needs its breach here
  run_blocking(break_accounts(&fixture));
}

TEST_CASE("a check waits for no lock of an account and takes none", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(check_beside_a_lock(&fixture));
}

TEST_CASE("breaches across accounts are found", "[integration][store]") {
  Fixture fixture(1);
  CHECK(kinds_of(fixture, "check_global_v1") == kinds_in(kGlobalBreaches));
  run_blocking(break_globally(&fixture));
}

TEST_CASE("domains, CHECKs and guards refuse bad rows with 23514", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(fill_one(&fixture));
  fixture.database.query(
      "CREATE FUNCTION public.state_of(p_sql text) RETURNS text LANGUAGE plpgsql AS $f$ DECLARE v_rows "
      "bigint; BEGIN "
      "EXECUTE p_sql; GET DIAGNOSTICS v_rows = ROW_COUNT; RETURN 'done ' || v_rows; "
      "EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $f$");
  for (const char* sql : kRefused) {
    INFO(sql);
    CHECK(fixture.database.query("SELECT public.state_of($q$" + std::string(sql) + "$q$)") == "23514");
  }
}

}  // namespace dromos::store
