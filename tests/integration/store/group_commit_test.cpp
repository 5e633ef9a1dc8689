// One group commit for several reactors, and when it lets a batch gather.
#include <atomic>
#include <thread>

#include "common/async/reactor.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

constexpr int kEach = 150;

/// A worker's share: its own pool and Deliverer on its own reactor.
Task<void> deliver_many(const Fixture* fixture, GroupCommit* commit, int number, std::atomic<int>* stored) {
  db::Pool pool(
      {.conninfo = fixture->database.conninfo("dromos_mta"), .max = 4, .idle = 1, .require_durable = false});
  auto blobs = make_postgres_blob_store(pool);
  Deliverer deliverer(pool, *blobs, *commit);
  for (int i = 0; i < kEach; ++i) {
    auto given = co_await deliverer.deliver(
        delivery_to({1}, std::to_string(number) + "." + std::to_string(i)), soon());
    if (given && given->all_stored()) ++*stored;
  }
  co_await deliverer.close();
  co_await pool.close();
}

void run_worker(const Fixture* fixture, GroupCommit* commit, int number, std::atomic<int>* stored) {
  run_blocking(deliver_many(fixture, commit, number, stored));
}

Task<void> share_one(Fixture* fixture) {
  db::Pool pool(
      {.conninfo = fixture->database.conninfo("dromos_mta"), .max = 6, .idle = 2, .require_durable = false});
  GroupCommit commit(pool);
  std::atomic<int> stored{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 2; ++i) workers.emplace_back(run_worker, fixture, &commit, i, &stored);
  const Deadline deadline = soon();
  while (commit.stats().delivered < 2 * kEach && !deadline.passed()) co_await sleep_for(milliseconds(5));
  for (std::thread& worker : workers) worker.join();
  CHECK(stored == 2 * kEach);
  CHECK(commit.stats().delivered == 2 * kEach);
  CHECK(commit.stats().busy == 0);
  CHECK(commit.stats().replayed == 0);
  CHECK(commit.stats().batches <= 2 * kEach);
  co_await commit.close();
  co_await pool.close();
}

Task<void> deliver_one(Deliverer* deliverer, int* stored) {
  auto given = co_await deliverer->deliver(delivery_to({1}, "x"), soon());
  if (given && given->all_stored()) ++*stored;
}

/// Eight at once, a pause, one alone: how many batches waited for company.
Task<uint64_t> gatherings_after(Fixture* fixture, milliseconds company, milliseconds pause) {
  db::Pool pool({.conninfo = fixture->database.conninfo(), .max = 6, .idle = 2, .require_durable = false});
  auto blobs = make_postgres_blob_store(pool);
  Deliverer deliverer(pool, *blobs, {.gather = milliseconds(2), .company = company});
  int stored = 0;
  TaskGroup group;
  for (int i = 0; i < 8; ++i) group.spawn(deliver_one(&deliverer, &stored));
  co_await group.join();
  const uint64_t before = deliverer.stats().gatherings;
  co_await sleep_for(pause);
  co_await deliver_one(&deliverer, &stored);
  CHECK(stored == 9);
  const uint64_t gathered = deliverer.stats().gatherings - before;
  co_await deliverer.close();
  co_await pool.close();
  co_return gathered;
}

/// After eight at once, four: the last of them ends the gathering, which could take longer than anybody
/// waits.
Task<void> go_with_half(Fixture* fixture) {
  db::Pool pool({.conninfo = fixture->database.conninfo(), .max = 6, .idle = 2, .require_durable = false});
  auto blobs = make_postgres_blob_store(pool);
  Deliverer deliverer(pool, *blobs, {.gather = milliseconds(600'000), .company = milliseconds(600'000)});
  int stored = 0;
  TaskGroup group;
  for (int i = 0; i < 8; ++i) group.spawn(deliver_one(&deliverer, &stored));
  co_await group.join();
  TaskGroup rest;
  for (int i = 0; i < 3; ++i) rest.spawn(deliver_one(&deliverer, &stored));
  while (deliverer.stats().gatherings == 0) co_await sleep_for(milliseconds(5));
  CHECK(stored == 8);
  rest.spawn(deliver_one(&deliverer, &stored));
  co_await rest.join();
  CHECK(stored == 12);
  CHECK(deliverer.stats().gatherings == 1);
  co_await deliverer.close();
  co_await pool.close();
}

Task<void> gather_soon_only(Fixture* fixture) {
  CHECK(co_await gatherings_after(fixture, milliseconds(60'000), milliseconds(0)) == 1);
  CHECK(co_await gatherings_after(fixture, milliseconds(10), milliseconds(50)) == 0);
}

}  // namespace

TEST_CASE("two reactors that share a group commit never find their account busy", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(share_one(&fixture));
  CHECK(fixture.database.query("SELECT count(*) || ' ' || max(uid) FROM mail.entry") == "300 300");
  CHECK(fixture.deadlocks() == "0");
}

TEST_CASE("a batch goes when half as many have come as were in the one before", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(go_with_half(&fixture));
}

TEST_CASE("a lone message gathers only soon after a batch with company", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(gather_soon_only(&fixture));
}

}  // namespace dromos::store
