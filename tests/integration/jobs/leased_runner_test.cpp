#include "common/jobs/leased_runner.h"

#include <catch2/catch.hpp>

#include "common/async/waiter.h"
#include "common/testing/temp_database.h"

namespace dromos::jobs {
namespace {

struct Station {
  db::Pool pool;
  LeasedRunner runner;
  Station(const testing::TempDatabase& database, LeasedRunner::Options options, const std::string& role = "")
      : pool({.conninfo = database.conninfo(role), .max = 4, .idle = 1, .require_durable = false}),
        runner(pool, std::move(options)) {}
  Task<void> close() {
    co_await runner.close();
    co_await pool.close();
  }
};

LeasedRunner::Options quick() {
  LeasedRunner::Options options;
  options.where = "test";
  options.retry = milliseconds(10);
  return options;
}

/// What the jobs of a test did.
struct Seen {
  int runs = 0;
  int running = 0;
  int most = 0;
  bool lost = false;
  Event changed;
};

/// Waits until `check` holds; false after a minute.
template <class F>
Task<bool> until(F check) {
  const Deadline limit = Deadline::after(seconds(60));
  while (!check() && !limit.passed()) co_await sleep_for(milliseconds(5));
  co_return check();
}

Task<Result<void>> short_work(Seen* seen, JobContext* context) {
  seen->most = std::max(seen->most, ++seen->running);
  co_await sleep_for(milliseconds(3));
  context->count(2);
  --seen->running;
  ++seen->runs;
  co_return Result<void>{};
}
Task<Result<void>> endless(Seen* seen, JobContext* context) {
  ++seen->runs;
  while (co_await context->slice(milliseconds(2))) context->count(1);
  seen->lost = context->stopping() && !context->token().cancelled();
  co_return Result<void>{};
}
Task<Result<void>> failing(Seen* seen, JobContext*) {
  if (++seen->runs == 2) throw std::runtime_error("thrown");
  co_return fail(Errc::unavailable, "no luck");
}
Task<Result<void>> insisting(Seen* seen, JobContext* context) {
  if (++seen->runs < 3) context->again();
  co_return Result<void>{};
}

JobFunction make(Task<Result<void>> (*work)(Seen*, JobContext*), Seen* seen) {
  return [work, seen](JobContext& context) { return work(seen, &context); };
}

Task<void> many_runners(const testing::TempDatabase* database) {
  Seen seen;
  std::vector<std::unique_ptr<Station>> stations;
  for (int i = 0; i < 3; ++i) {
    stations.push_back(std::make_unique<Station>(*database, quick()));
    stations.back()->runner.add("imapd.test", milliseconds(1), make(short_work, &seen));
    stations.back()->runner.start();
  }
  const bool enough = co_await until([&] { return seen.runs >= 30; });
  CHECK(enough);
  for (auto& station : stations) co_await station->close();
  CHECK(seen.most == 1);
  CHECK(database->query("SELECT runs FROM admin.job") == std::to_string(seen.runs));
  CHECK(database->query("SELECT report->>'items' FROM admin.job") == "2");
  CHECK(database->query("SELECT count(*) FROM admin.job WHERE holder IS NULL AND lease_until IS NULL") ==
        "1");
}

Task<void> stolen(const testing::TempDatabase* database) {
  Seen seen;
  auto options = quick();
  options.lease = milliseconds(300);
  Station station(*database, options);
  station.runner.add("imapd.test", milliseconds(1), make(endless, &seen));
  station.runner.start();
  const bool begun = co_await until([&] { return seen.runs == 1; });
  CHECK(begun);
  // Renewed well past the first lease.
  co_await sleep_for(milliseconds(700));
  CHECK_FALSE(seen.lost);
  database->query("UPDATE admin.job SET holder = gen_random_uuid(), lease_until = now() + interval '1 hour'");
  const bool noticed = co_await until([&] { return seen.lost; });
  CHECK(noticed);
  CHECK(seen.runs == 1);
  CHECK(database->query("SELECT runs FROM admin.job") == "0");  // no result of a run that had lost its lease
  // The thief dies: its lease ends, and the job goes on here.
  database->query("UPDATE admin.job SET lease_until = now() - interval '1 second'");
  station.runner.wake("imapd.test");
  const bool again = co_await until([&] { return seen.runs == 2; });
  CHECK(again);
  co_await station.close();
}

Task<void> drained(const testing::TempDatabase* database) {
  Seen seen;
  Station station(*database, quick());
  station.runner.add("imapd.test", seconds(3600), make(endless, &seen));
  station.runner.start();
  const bool begun = co_await until([&] { return seen.runs == 1; });
  CHECK(begun);
  co_await sleep_for(milliseconds(50));
  co_await station.close();
  CHECK(database->query("SELECT holder IS NULL AND (report->>'items')::integer > 0 AND failures = 0 "
                        "AND due_at > now() + interval '50 minutes' FROM admin.job") == "t");
}

Task<void> failed(const testing::TempDatabase* database) {
  Seen seen;
  Station station(*database, quick());
  station.runner.add("imapd.test", milliseconds(1), make(failing, &seen));
  station.runner.start();
  const bool often = co_await until([&] { return seen.runs >= 3; });
  CHECK(often);
  co_await station.close();
  CHECK(database->query("SELECT failures = runs AND failures >= 3 FROM admin.job") == "t");
  CHECK(database->query("SELECT report->>'error' FROM admin.job") == "base/unavailable: no luck");
}

Task<void> insisted(const testing::TempDatabase* database) {
  Seen seen, once;
  Station station(*database, quick());
  station.runner.add("imapd.again", seconds(3600), make(insisting, &seen));
  station.runner.add("imapd.once", seconds(3600), make(short_work, &once));
  station.runner.start();
  bool done = co_await until([&] { return seen.runs == 3 && once.runs == 1; });
  CHECK(done);
  co_await sleep_for(milliseconds(50));
  CHECK(seen.runs == 3);
  station.runner.wake("imapd.once");
  station.runner.wake("imapd.unknown");
  done = co_await until([&] { return once.runs == 2; });
  CHECK(done);
  co_await station.close();
}

Task<void> limited(const testing::TempDatabase* database) {
  Seen seen;
  auto options = quick();
  options.run_limit = milliseconds(30);
  Station station(*database, options);
  station.runner.add("imapd.test", milliseconds(1), make(endless, &seen));
  station.runner.start();
  const bool more = co_await until([&] { return seen.runs >= 3; });
  CHECK(more);
  co_await station.close();
}

Task<void> rights(const testing::TempDatabase* database) {
  Seen own, other;
  Station station(*database, quick(), "dromos_mta");
  station.runner.add("mta.own", milliseconds(1), make(short_work, &own));
  station.runner.add("imapd.other", milliseconds(1), make(short_work, &other));
  station.runner.start();
  const bool ran = co_await until([&] { return own.runs >= 5; });
  CHECK(ran);
  CHECK(other.runs == 0);
  const db::Statement read{"test_read_job", "SELECT count(*) FROM admin.job"};
  const auto rows = co_await station.pool.exec(read, {}, Deadline::after(seconds(10)));
  REQUIRE_FALSE(rows.has_value());
  CHECK(rows.error().is(db::DbErrc::permission_denied));
  co_await station.close();
}

}  // namespace

TEST_CASE("Of several runners one at a time has a job", "[integration][jobs]") {
  testing::TempDatabase database;
  run_blocking(many_runners(&database));
}

TEST_CASE("A run ends when its lease is lost, and a lapsed lease is taken over", "[integration][jobs]") {
  testing::TempDatabase database;
  run_blocking(stolen(&database));
}

TEST_CASE("Drain ends a run at its next slice and gives the lease back", "[integration][jobs]") {
  testing::TempDatabase database;
  run_blocking(drained(&database));
}

TEST_CASE("Errors and exceptions of a job are kept and counted, and it runs again", "[integration][jobs]") {
  testing::TempDatabase database;
  run_blocking(failed(&database));
}

TEST_CASE("A job that asks for it, or is woken, runs before its interval", "[integration][jobs]") {
  testing::TempDatabase database;
  run_blocking(insisted(&database));
}

TEST_CASE("A run ends at its time limit and goes on in the next", "[integration][jobs]") {
  testing::TempDatabase database;
  run_blocking(limited(&database));
}

TEST_CASE("A daemon's role leases only its own jobs and reads none", "[integration][jobs]") {
  testing::TempDatabase database;
  run_blocking(rights(&database));
}

}  // namespace dromos::jobs
