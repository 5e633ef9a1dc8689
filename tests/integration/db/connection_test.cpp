#include "common/db/connection.h"

#include <catch2/catch.hpp>

#include "common/async/task_group.h"
#include "common/db/migrate.h"
#include "common/db/pool.h"
#include "common/db/transaction.h"
#include "common/testing/temp_database.h"

using namespace dromos;
using namespace dromos::db;
using testing::TempDatabase;

namespace {

constexpr Statement kEcho{"t_echo",
                          "SELECT $1::bigint, $2::text, $3::bytea, $4::uuid, $5::timestamptz, $6::bigint[], "
                          "$7::text[], $8::boolean, $9::double precision, $10::text"};
constexpr Statement kEchoIds{
    "t_echo_ids",
    "SELECT $1::uuid[], $2::uuid[], $3::uuid[], ($1::uuid[])[3]::text, $4::bigint[], $5::bigint[]"};
constexpr Statement kInsert{"t_insert", "INSERT INTO public.item(id, name) VALUES ($1, $2)"};
constexpr Statement kCount{"t_count", "SELECT count(*) FROM public.item"};
constexpr Statement kSeries{"t_series", "SELECT g, repeat('x', 1000) FROM generate_series(1, $1::bigint) g"};
constexpr Statement kSleep{"t_sleep", "SELECT pg_sleep($1)"};
constexpr Statement kBroken{"t_broken", "SELECT * FROM public.no_such_table"};

Deadline soon() {
  return Deadline::after(seconds(20));
}

std::vector<Call> inserts(std::initializer_list<int64_t> ids) {
  std::vector<Call> calls;
  for (const int64_t id : ids) calls.push_back(Call{&kInsert, std::move(Params().add(id).add("n"))});
  return calls;
}

void with_items(Task<void> (*body)(TempDatabase&, Pool&)) {
  TempDatabase database("template0");
  database.query("CREATE TABLE public.item(id bigint PRIMARY KEY, name text NOT NULL)");
  run_blocking([](TempDatabase& db, Task<void> (*test)(TempDatabase&, Pool&)) -> Task<void> {
    Pool pool({.conninfo = db.conninfo(), .max = 4, .require_schema = false});
    co_await test(db, pool);
    co_await pool.close();
  }(database, body));
}

}  // namespace

TEST_CASE("values survive the binary round trip", "[integration][db]") {
  with_items([](TempDatabase&, Pool& pool) -> Task<void> {
    const Uuid id = Uuid::v7();
    const std::vector<int64_t> numbers{1, -2, INT64_MAX};
    const std::vector<std::string> words{"a", "", "gr\xc3\xbc\xc3\x9f"};
    const std::string blob("\0\xff\n", 3);
    Params params;
    params.add(int64_t{-7})
        .add("text")
        .add_bytes(blob)
        .add(id)
        .add_time_us(1700000000123456)
        .add_array(numbers);
    params.add_array(words).add(true).add(2.5).add_null();
    auto rows = co_await pool.exec(kEcho, std::move(params), soon());
    REQUIRE(rows);
    REQUIRE(rows->integer(0, 0) == -7);
    REQUIRE(rows->text(0, 1) == "text");
    REQUIRE(rows->bytes(0, 2) == blob);
    REQUIRE(rows->uuid(0, 3) == id);
    REQUIRE(rows->time_us(0, 4) == 1700000000123456);
    REQUIRE(rows->integers(0, 5) == numbers);
    REQUIRE(rows->texts(0, 6) == words);
    REQUIRE(rows->boolean(0, 7));
    REQUIRE(rows->real(0, 8) == 2.5);
    REQUIRE(rows->is_null(0, 9));
  });
}

TEST_CASE("lists of ids survive the round trip", "[integration][db]") {
  with_items([](TempDatabase&, Pool& pool) -> Task<void> {
    const std::vector<MessageId> ids{MessageId::make(), {}, MessageId::make()};
    const std::vector<Uuid> uuids{ids[0].value, Uuid{}, ids[2].value};
    Params params;
    params.add_array(ids).add_array(std::vector<MessageId>()).add_array(std::span<const Uuid>(uuids));
    params.add_array(std::vector<MailboxId>{{7}, {-1}, {int64_t{1} << 40}});
    params.add_array(std::vector<AccountId>());
    auto rows = co_await pool.exec(kEchoIds, std::move(params), soon());
    REQUIRE(rows);
    REQUIRE(rows->ids<MessageId>(0, 0) == ids);
    REQUIRE(rows->ids<MessageId>(0, 1).empty());
    REQUIRE(rows->uuids(0, 2) == uuids);
    REQUIRE(rows->text(0, 3) == ids[2].value.to_string());
    REQUIRE(rows->integers(0, 4) == std::vector<int64_t>{7, -1, int64_t{1} << 40});
    REQUIRE(rows->integers(0, 5).empty());
  });
}

TEST_CASE("a batch commits as one or not at all", "[integration][db]") {
  with_items([](TempDatabase& database, Pool& pool) -> Task<void> {
    auto good = co_await pool.run(inserts({1, 2, 3}), soon());
    REQUIRE(good);
    REQUIRE(good->failed == -1);
    REQUIRE(good->results[0]->affected() == 1);
    auto bad = co_await pool.run(inserts({4, 2, 5}), soon());
    REQUIRE(bad);
    REQUIRE(bad->failed == 1);
    REQUIRE(bad->results[1].error().is(DbErrc::unique_violation));
    REQUIRE(sqlstate_of(bad->results[1].error()) == "23505");
    REQUIRE(bad->results[0].error().is(DbErrc::aborted));
    REQUIRE(bad->results[2].error().is(DbErrc::aborted));
    REQUIRE(database.query("SELECT count(*) FROM public.item") == "3");
    // The connection is fit for use afterwards, also when the failure came at preparation.
    std::vector<Call> calls = inserts({6});
    calls.push_back(Call{&kBroken, {}});
    auto broken = co_await pool.run(std::move(calls), soon());
    REQUIRE(broken);
    REQUIRE(broken->failed == 1);
    auto again = co_await pool.run(inserts({7}), soon());
    REQUIRE(again);
    REQUIRE(again->failed == -1);
    auto count = co_await pool.exec(kCount, {}, soon());
    REQUIRE(count->integer(0, 0) == 4);
  });
}

TEST_CASE("rows stream one by one and can be stopped", "[integration][db]") {
  with_items([](TempDatabase&, Pool& pool) -> Task<void> {
    int64_t sum = 0;
    for (int round = 0; round < 2; ++round) {
      auto all = co_await pool.stream(
          kSeries, std::move(Params().add(int64_t{5000})),
          [&](const Rows& row) {
            sum += row.integer(0, 0);
            return true;
          },
          soon());
      REQUIRE(all);
    }
    REQUIRE(sum == 2 * 5000 * 5001 / 2);
    int seen = 0;
    auto stopped = co_await pool.stream(
        kSeries, std::move(Params().add(int64_t{100000})), [&](const Rows&) { return ++seen < 10; }, soon());
    REQUIRE(stopped);
    REQUIRE(seen == 10);
    auto after = co_await pool.exec(kCount, {}, soon());
    REQUIRE(after);
  });
}

TEST_CASE("deadlines and lost connections are errors that may be retried", "[integration][db]") {
  with_items([](TempDatabase& database, Pool& pool) -> Task<void> {
    auto late = co_await pool.exec(kSleep, std::move(Params().add(5.0)), Deadline::after(milliseconds(30)));
    REQUIRE_FALSE(late);
    REQUIRE(late.error().is(DbErrc::timeout));
    REQUIRE(late.error().may_retry());
    auto works = co_await pool.exec(kCount, {}, soon());
    REQUIRE(works);
    database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid "
        "<> pg_backend_pid()");
    auto lost = co_await pool.exec(kCount, {}, soon());
    REQUIRE_FALSE(lost);
    REQUIRE(lost.error().is(DbErrc::connection_lost));
    REQUIRE(lost.error().may_retry());
    auto back = co_await pool.exec(kCount, {}, soon());
    REQUIRE(back);
  });
}

TEST_CASE("the pool makes callers wait, not fail, up to their deadline", "[integration][db]") {
  with_items([](TempDatabase&, Pool& pool) -> Task<void> {
    TaskGroup group;
    int done = 0;
    const auto work = [](Pool& p, int& count) -> Task<void> {
      auto rows = co_await p.exec(kSleep, std::move(Params().add(0.005)), soon());
      REQUIRE(rows);
      ++count;
    };
    for (int i = 0; i < 30; ++i) group.spawn(work(pool, done));
    co_await group.join();
    REQUIRE(done == 30);
    std::vector<Lease> held;
    for (int i = 0; i < 4; ++i) {
      auto lease = co_await pool.acquire(soon());
      REQUIRE(lease);
      held.push_back(std::move(*lease));
    }
    auto none = co_await pool.acquire(Deadline::after(milliseconds(10)));
    REQUIRE_FALSE(none);
    REQUIRE(none.error().is(DbErrc::timeout));
  });
}

TEST_CASE("a transaction that is dropped rolls back", "[integration][db]") {
  with_items([](TempDatabase& database, Pool& pool) -> Task<void> {
    {
      auto lease = co_await pool.acquire(soon());
      auto transaction = co_await Transaction::begin(**lease, soon());
      REQUIRE(transaction);
      auto inserted =
          co_await transaction->exec(kInsert, std::move(Params().add(int64_t{1}).add("x")), soon());
      REQUIRE(inserted);
    }
    REQUIRE(database.query("SELECT count(*) FROM public.item") == "0");
    auto lease = co_await pool.acquire(soon());
    auto transaction = co_await Transaction::begin(**lease, soon());
    auto inserted = co_await transaction->exec(kInsert, std::move(Params().add(int64_t{1}).add("x")), soon());
    REQUIRE(inserted);
    auto committed = co_await transaction->commit(soon());
    REQUIRE(committed);
    REQUIRE(database.query("SELECT count(*) FROM public.item") == "1");
  });
}

TEST_CASE("a failing statement of a transaction reports its own error, also at first use",
          "[integration][db]") {
  with_items([](TempDatabase&, Pool& pool) -> Task<void> {
    auto lease = co_await pool.acquire(soon());
    auto transaction = co_await Transaction::begin(**lease, soon());
    auto one = co_await transaction->exec(kInsert, std::move(Params().add(int64_t{1}).add("x")), soon());
    REQUIRE(one);
    auto two = co_await transaction->exec(kInsert, std::move(Params().add(int64_t{1}).add("x")), soon());
    REQUIRE(two.error().is(DbErrc::unique_violation));
    auto undone = co_await transaction->rollback(soon());
    REQUIRE(undone);
    auto again = co_await Transaction::begin(**lease, soon());
    auto broken = co_await again->exec(kBroken, {}, soon());
    REQUIRE(sqlstate_of(broken.error()) == "42P01");
    auto ended = co_await again->rollback(soon());
    REQUIRE(ended);
    // A statement whose preparation succeeded before another failed is still there.
    std::vector<Call> calls;
    calls.push_back(Call{&kCount, {}});
    calls.push_back(Call{&kBroken, {}});
    auto batch = co_await (*lease)->run(std::move(calls), soon());
    REQUIRE(batch->failed == 1);
    auto count = co_await (*lease)->exec(kCount, {}, soon());
    REQUIRE(count);
  });
}

TEST_CASE("migrations apply once, in order, and stop at the first that fails", "[integration][db]") {
  with_items([](TempDatabase& database, Pool& pool) -> Task<void> {
    auto lease = co_await pool.acquire(soon());
    const std::vector<Migration> list{{1, "0001_a", "CREATE TABLE public.a(x int)"},
                                      {2, "0002_b", "CREATE TABLE public.b(x int)"}};
    auto first = co_await migrate(**lease, list, nullptr, soon());
    REQUIRE(first == 2);
    auto second = co_await migrate(**lease, list, nullptr, soon());
    REQUIRE(second == 0);
    const std::vector<Migration> worse{
        list[0], list[1], {3, "0003_c", "CREATE TABLE public.c(x int); SELECT 1/0"}};
    auto third = co_await migrate(**lease, worse, nullptr, soon());
    REQUIRE_FALSE(third);
    REQUIRE(third.error().message().find("0003_c") != std::string::npos);
    REQUIRE(database.query("SELECT to_regclass('public.c') IS NULL") == "t");
  });
}

TEST_CASE("the embedded migrations make the schema, and a daemon may read which are there",
          "[integration][db]") {
  TempDatabase database("template0");
  run_blocking([](TempDatabase& fresh) -> Task<void> {
    auto superuser = co_await Connection::open(fresh.conninfo(), soon());
    REQUIRE(superuser);
    auto count = co_await migrate(**superuser, embedded_migrations(), nullptr, Deadline::after(seconds(120)));
    INFO((count ? "" : count.error().to_string()));
    REQUIRE(count);
    REQUIRE(static_cast<size_t>(*count) == embedded_migrations().size());
    // A definer's function with a superuser as owner would lend his rights to every daemon.
    REQUIRE(
        fresh.query("SELECT count(*) FROM pg_proc WHERE prosecdef AND proowner <> 'dromos_owner'::regrole") ==
        "0");
    REQUIRE(fresh.query("SELECT count(*) > 50 FROM pg_proc WHERE prosecdef") == "t");
    auto owner = co_await Connection::open(fresh.conninfo("dromos_owner"), soon());
    REQUIRE(owner);
    auto again = co_await migrate(**owner, embedded_migrations(), nullptr, soon());
    REQUIRE(again == 0);
    auto daemon = co_await Connection::open(fresh.conninfo("dromos_mta"), soon());
    REQUIRE(daemon);
    auto state = co_await migration_state(**daemon, soon());
    REQUIRE(state);
    REQUIRE(state->applied == state->expected);
  }(database));
}

TEST_CASE("A pool refuses a database that lacks migrations, says so, and takes it once it is migrated",
          "[integration][db]") {
  TempDatabase database("template0");
  run_blocking([](TempDatabase& fresh) -> Task<void> {
    Pool pool({.conninfo = fresh.conninfo(), .max = 2, .require_durable = false});
    co_await pool.check(soon());
    REQUIRE_FALSE(pool.healthy());
    const std::string needed = std::to_string(embedded_migrations().back().number);
    REQUIRE(pool.problem().find("schema is at 0, this daemon needs " + needed + ": run dromosctl migrate") !=
            std::string::npos);
    const auto refused = co_await pool.acquire(soon());
    REQUIRE_FALSE(refused.has_value());
    REQUIRE(refused.error().may_retry());

    auto superuser = co_await Connection::open(fresh.conninfo(), soon());
    REQUIRE(superuser);
    auto count = co_await migrate(**superuser, embedded_migrations(), nullptr, Deadline::after(seconds(120)));
    REQUIRE(count);
    co_await pool.check(soon());
    REQUIRE(pool.healthy());
    REQUIRE(pool.problem().empty());
    // A release later: additive, so this one goes on.
    fresh.query("INSERT INTO migration.applied (number, name) VALUES (9999, '9999_later')");
    Pool newer({.conninfo = fresh.conninfo(), .max = 1, .require_durable = false});
    co_await newer.check(soon());
    REQUIRE(newer.healthy());
    co_await newer.close();
    co_await pool.close();
  }(database));
}
