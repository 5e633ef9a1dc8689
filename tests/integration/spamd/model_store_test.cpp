#include "spamd/store/model_store.h"

#include <catch2/catch.hpp>

#include "common/async/task_group.h"
#include "common/db/pool.h"
#include "common/testing/temp_database.h"
#include "spamd/service/follower.h"

using namespace dromos;
using namespace dromos::spamd;

namespace {

const std::string kSpam =
    "From: x@lucky.example\r\nSubject: WIN NOW!!\r\n\r\nclaim your casino prize bonus today\r\n";
const std::string kHam =
    "From: ann@work.example\r\nSubject: agenda\r\n\r\nplease review the notes of the meeting\r\n";

Deadline soon() {
  return Deadline::after(seconds(20));
}

/// A node: engine, store and follower over one database.
struct Node {
  explicit Node(const testing::TempDatabase& database)
      : pool({.conninfo = database.conninfo("dromos_spamd"), .max = 4}),
        store(pool),
        follower(engine, store) {}
  Engine engine{{}};
  db::Pool pool;
  ModelStore store;
  Follower follower;
};

Task<void> teach_and_follow(const testing::TempDatabase& database) {
  Node one(database);
  Node two(database);
  const Uuid id = Uuid::v7();
  REQUIRE((co_await one.follower.catch_up(soon())).has_value());
  REQUIRE((co_await two.follower.catch_up(soon())).has_value());
  const double fresh = one.engine.scan(kSpam, {}).score.log_odds;

  const Lesson lesson = one.engine.lesson(kSpam, {}, Label::spam);
  auto learned = co_await one.store.learn(id, AccountId{7}, Label::spam, lesson, soon());
  REQUIRE(learned.has_value());
  REQUIRE(learned->changed);
  REQUIRE(learned->version == 1);
  auto again = co_await two.store.learn(id, AccountId{7}, Label::spam, lesson, soon());
  REQUIRE(again.has_value());
  REQUIRE_FALSE(again->changed);
  REQUIRE(again->version == 1);

  REQUIRE((co_await one.follower.catch_up(soon())).has_value());
  REQUIRE((co_await two.follower.catch_up(soon())).has_value());
  const double taught = one.engine.scan(kSpam, {}).score.log_odds;
  REQUIRE(taught > fresh + 2);
  REQUIRE(two.engine.scan(kSpam, {}).score.log_odds == taught);

  // A node that starts now loads the same model.
  Node late(database);
  REQUIRE((co_await late.follower.catch_up(soon())).has_value());
  REQUIRE(late.engine.scan(kSpam, {}).score.log_odds == taught);
  const Explanation explanation = late.engine.explain(kSpam, {}, 1000);
  auto counts = co_await late.store.counts(explanation.tokens, soon());
  REQUIRE(counts.has_value());
  REQUIRE(counts->size() == explanation.known_count);
  for (const auto& [token, count] : *counts) {
    REQUIRE(count.spam == 1);
    REQUIRE(count.ham == 0);
  }

  auto forgotten = co_await two.store.forget(id, AccountId{7}, soon());
  REQUIRE(forgotten.has_value());
  REQUIRE(forgotten->changed);
  auto unknown = co_await two.store.forget(id, AccountId{7}, soon());
  REQUIRE(unknown.has_value());
  REQUIRE_FALSE(unknown->changed);
  REQUIRE((co_await one.follower.catch_up(soon())).has_value());
  REQUIRE(one.engine.version() == 2);
  REQUIRE(one.engine.scan(kSpam, {}).score.log_odds == fresh);
  co_await one.pool.close();
  co_await two.pool.close();
  co_await late.pool.close();
}

Task<Pruned> prune_all(Node& node) {
  Pruned sum;
  while (true) {
    auto pruned = co_await node.store.prune(soon());
    REQUIRE(pruned.has_value());
    if (pruned->events == 0) co_return sum;
    sum.events += pruned->events;
    sum.tokens += pruned->tokens;
  }
}

Task<Uuid> teach(Node& node, std::string raw, Label label) {
  const Uuid id = Uuid::v7();
  const Lesson lesson = node.engine.lesson(raw, {}, label);
  auto learned = co_await node.store.learn(id, AccountId{0}, label, lesson, soon());
  REQUIRE(learned.has_value());
  REQUIRE((co_await node.follower.catch_up(soon())).has_value());
  co_return id;
}

Task<void> old_hapaxes(const testing::TempDatabase& database) {
  Node node(database);
  REQUIRE((co_await node.follower.catch_up(soon())).has_value());
  const std::string rare = "Subject: x\r\n\r\nquixotic zymurgy verbiage\r\n";
  co_await teach(node, rare, Label::spam);
  co_await teach(node, kSpam, Label::spam);
  co_await teach(node, kSpam + "again\r\n", Label::spam);
  const Uuid mistaken = co_await teach(node, "Subject: y\r\n\r\nunforeseen gobbledygook\r\n", Label::ham);
  REQUIRE((co_await node.store.forget(mistaken, AccountId{0}, soon())).has_value());
  const std::string lonely = "SELECT count(*) FROM spam.token WHERE ham + spam <= 1";
  const std::string shared = "SELECT count(*) FROM spam.token WHERE ham + spam > 1";
  const std::string known = database.query(shared);
  REQUIRE(database.query(lonely) != "0");
  const size_t rare_tokens = node.engine.explain(rare, {}, 1000).known_count;
  const Pruned early = co_await prune_all(node);
  REQUIRE(early.events == 0);  // nothing is old yet

  database.query("UPDATE spam.event SET at = now() - interval '100 days' RETURNING 1");
  Node behind(database);
  REQUIRE((co_await node.follower.catch_up(soon())).has_value());
  REQUIRE((co_await behind.follower.catch_up(soon())).has_value());
  const Pruned pruned = co_await prune_all(node);
  REQUIRE(pruned.events == 5);
  REQUIRE(pruned.tokens > 0);
  REQUIRE(database.query(lonely) == "0");
  REQUIRE(database.query(shared) == known);  // what was met again stays
  REQUIRE(database.query("SELECT count(*) FROM spam.learned") == "3");

  // Who followed, who was behind and who starts now have one model.
  Node fresh(database);
  for (Node* each : {&node, &behind, &fresh}) REQUIRE((co_await each->follower.catch_up(soon())).has_value());
  for (const std::string& raw : {kSpam, rare, kHam}) {
    REQUIRE(node.engine.scan(raw, {}).score.log_odds == fresh.engine.scan(raw, {}).score.log_odds);
    REQUIRE(behind.engine.scan(raw, {}).score.log_odds == fresh.engine.scan(raw, {}).score.log_odds);
  }
  REQUIRE(fresh.engine.explain(rare, {}, 1000).known_count + 3 <= rare_tokens);  // its three words at least
  REQUIRE(fresh.engine.scan(kSpam, {}).score.probability > 0.9);
  co_await node.pool.close();
  co_await behind.pool.close();
  co_await fresh.pool.close();
}

Task<void> many_lessons_then_expiry(const testing::TempDatabase& database) {
  Node node(database);
  Node behind(database);
  REQUIRE((co_await behind.follower.catch_up(soon())).has_value());
  constexpr int kLessons = static_cast<int>(ModelStore::kMaxEvents) + 20;
  for (int i = 0; i < kLessons; ++i) {
    const bool spam = i % 2 == 0;
    const std::string raw = (spam ? kSpam : kHam) + std::to_string(i);
    const Lesson lesson = node.engine.lesson(raw, {}, spam ? Label::spam : Label::ham);
    auto learned =
        co_await node.store.learn(Uuid::v7(), AccountId{0}, spam ? Label::spam : Label::ham, lesson, soon());
    REQUIRE(learned.has_value());
    if (i == 0) {
      REQUIRE((co_await behind.follower.catch_up(soon())).has_value());
    }
    if (i % 50 == 0) {
      REQUIRE((co_await node.follower.catch_up(soon())).has_value());
    }
  }
  REQUIRE((co_await node.follower.catch_up(soon())).has_value());
  REQUIRE(node.engine.version() == kLessons);
  REQUIRE(node.engine.scan(kSpam, {}).score.probability > 0.9);
  REQUIRE(node.engine.scan(kHam, {}).score.probability < 0.1);

  // Once events are gone, who is behind them loads the whole model.
  database.query("UPDATE spam.event SET at = now() - interval '100 days' WHERE version <= 100 RETURNING 1");
  const Pruned pruned = co_await prune_all(node);
  REQUIRE(pruned.events == 100);
  REQUIRE((co_await node.follower.catch_up(soon())).has_value());
  auto changes = co_await behind.store.changes(behind.engine.version(), soon());
  REQUIRE(changes.has_value());
  REQUIRE(changes->reload);
  REQUIRE((co_await behind.follower.catch_up(soon())).has_value());
  REQUIRE(behind.engine.version() == node.engine.version());
  REQUIRE(behind.engine.scan(kSpam, {}).score.log_odds == node.engine.scan(kSpam, {}).score.log_odds);
  co_await node.pool.close();
  co_await behind.pool.close();
}

std::string refused(const testing::TempDatabase& database, const std::string& role, const std::string& sql) {
  return database.query(
      "SET client_min_messages = error; CREATE OR REPLACE FUNCTION pg_temp.try() RETURNS text LANGUAGE "
      "plpgsql AS $f$ BEGIN "
      "SET LOCAL ROLE " +
      role + "; EXECUTE $q$" + sql +
      "$q$; RESET ROLE; RETURN 'done'; EXCEPTION WHEN insufficient_privilege THEN RETURN 'refused'; END $f$; "
      "SELECT pg_temp.try()");
}

}  // namespace

TEST_CASE("Lessons are idempotent, reach every node and can be forgotten", "[integration][spamd]") {
  const testing::TempDatabase database;
  run_blocking(teach_and_follow(database));
}

TEST_CASE("A node far behind catches up, and loads anew when events are gone", "[integration][spamd]") {
  const testing::TempDatabase database;
  run_blocking(many_lessons_then_expiry(database));
}

TEST_CASE("Tokens of one old lesson are pruned, on every node alike", "[integration][spamd]") {
  const testing::TempDatabase database;
  run_blocking(old_hapaxes(database));
}

TEST_CASE("Only spamd's role may learn, and not by writing tables", "[integration][spamd]") {
  const testing::TempDatabase database;
  const std::string learn =
      "SELECT spam.learn_v1(1, ''00000000-0000-0000-0000-000000000001'', 0, 1, ''{1}'', "
      "''{0,0,0,0,0,0,0,0}'', 0)";
  std::string plain = learn;
  for (size_t at; (at = plain.find("''")) != std::string::npos;) plain.replace(at, 2, "'");
  CHECK(refused(database, "dromos_spamd", plain) == "done");
  for (const char* role : {"dromos_mta", "dromos_imapd", "dromos_jmapd", "dromos_admind"}) {
    CHECK(refused(database, role, plain) == "refused");
    CHECK(refused(database, role, "SELECT count(*) FROM spam.token") == "refused");
  }
  for (const char* sql : {"INSERT INTO spam.token VALUES (1, 0, 1, 0, 0, 0)", "DELETE FROM spam.event",
                          "UPDATE spam.model SET bias = 0", "SELECT count(*) FROM mail.message",
                          "SELECT spam.apply_tokens(1, 0, 1::smallint, 1, '{}', '{}')"}) {
    CHECK(refused(database, "dromos_spamd", sql) == "refused");
  }
}
