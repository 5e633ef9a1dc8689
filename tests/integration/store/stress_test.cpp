// What concurrency may not break: no deadlock, no lost change, each delivery exactly once, counters that add
// up.
#include <random>
#include <set>

#include "common/async/reactor.h"
#include "common/store/append.h"
#include "common/store/changes.h"
#include "common/store/collector.h"
#include "common/store/entries.h"
#include "common/store/mailboxes.h"
#include "common/store/sharing.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

constexpr int kAccounts = 6;

Task<void> deliver_some(Station* station, int seed, int count, int* stored) {
  std::mt19937 random(static_cast<unsigned>(seed));
  for (int i = 0; i < count; ++i) {
    std::set<int64_t> accounts;
    for (unsigned n = random() % 3 + 1; n > 0; --n) accounts.insert(random() % kAccounts + 1);
    auto given = co_await station->deliverer.deliver(
        delivery_to({accounts.begin(), accounts.end()}, std::to_string(seed) + "/" + std::to_string(i)),
        soon());
    if (!given) FAIL(given.error().to_string());
    REQUIRE(given->all_stored());
    *stored += static_cast<int>(accounts.size());
  }
}

Task<void> change_some(Station* station, int seed, int count) {
  std::mt19937 random(static_cast<unsigned>(seed));
  Mailboxes mailboxes(station->pool);
  Entries entries(station->pool);
  Sharing sharing(station->pool, *station->blobs);
  for (int i = 0; i < count; ++i) {
    const AccountId account{static_cast<int64_t>(random() % kAccounts) + 1};
    auto tree = co_await mailboxes.tree(account, soon());
    REQUIRE(tree);
    const auto pick = [&] { return tree->mailboxes[random() % tree->mailboxes.size()].id; };
    const MailboxId from = pick();
    const MailboxId to = pick();
    const auto first = static_cast<uint32_t>(random() % 40 + 1);
    const UidSet uids = UidSet::range(first, first + static_cast<uint32_t>(random() % 20));
    Result<void> outcome;
    const auto take = [&outcome](auto result) {
      // Another may have removed a mailbox, or moved children below it: any other failure is one.
      if (!result && result.error().may_retry()) outcome = Unexpected(result.error());
      if (!result &&
          (result.error().is(db::DbErrc::query_error) || result.error().is(db::DbErrc::constraint_violation)))
        outcome = Unexpected(result.error());
    };
    switch (random() % 9) {
      case 0:
        take(co_await entries.store(account, from, uids, FlagOp::add, {kSeen | kDeleted, {"$k"}},
                                    std::nullopt, soon()));
        break;
      case 1:
        take(co_await entries.store(account, from, uids, FlagOp::replace, {kFlagged, {}}, std::nullopt,
                                    soon()));
        break;
      case 2:
        take(co_await entries.copy(DeliveryId::make(), account, from, uids, to, soon()));
        break;
      case 3:
        take(co_await entries.move(DeliveryId::make(), account, from, uids, to, soon()));
        break;
      case 4:
        take(co_await entries.expunge(account, from, UidSet::all(), true, soon()));
        break;
      case 8: {
        Sharing::Transfer across{account, from, uids, {account.value % kAccounts + 1}};
        auto theirs = co_await mailboxes.tree(across.to, soon());
        REQUIRE(theirs);
        across.target = theirs->mailboxes[random() % theirs->mailboxes.size()].id;
        across.move = random() % 2 == 0;
        across.reader = account;
        take(co_await sharing.transfer(DeliveryId::make(), std::move(across), soon()));
        break;
      }
      case 5:
        take(co_await mailboxes.create(account, {"x" + std::to_string(random() % 5), "y"}, std::nullopt, true,
                                       soon()));
        break;
      case 6:
        take(co_await mailboxes.remove(account, from, true, soon()));
        break;
      default: {
        MailboxUpdate update;
        update.path = std::vector<std::string>{"x" + std::to_string(random() % 5), "z"};
        take(co_await mailboxes.update(account, from, update, soon()));
      }
    }
    if (!outcome) FAIL(outcome.error().to_string());
  }
}

/// The check takes no lock: whatever is being written, it finds nothing wrong.
Task<void> check_beside(Station* station, const bool* stop, int* rounds) {
  while (!*stop) {
    CHECK(co_await problems(&station->pool) == 0);
    ++*rounds;
  }
}

/// What was expunged, and bytes that nobody names, go at once.
Task<void> collect_beside(Station* station, const bool* stop, CollectorReport* done) {
  Collector collector(station->pool);
  Retention retention;
  retention.blobs = retention.expunged = seconds(0);
  while (!*stop) {
    auto report = co_await collector.run(retention, soon());
    REQUIRE(report);
    done->entries_purged += report->entries_purged;
    done->blobs_collected += report->blobs_collected;
    co_await sleep_for(milliseconds(20));
  }
}

Task<void> mixed(Fixture* fixture) {
  Station one(*fixture, "dromos_mta");
  Station two(*fixture, "dromos_mta", 1);
  Station imapd(*fixture, "dromos_imapd");
  Station owner(*fixture);
  TaskGroup group;
  TaskGroup beside;
  bool stop = false;
  int rounds = 0;
  CollectorReport collected;
  beside.spawn(check_beside(&owner, &stop, &rounds));
  beside.spawn(collect_beside(&owner, &stop, &collected));
  int stored = 0;
  for (int i = 0; i < 12; ++i) group.spawn(deliver_some(i % 2 == 0 ? &one : &two, i, 60, &stored));
  for (int i = 0; i < 6; ++i) group.spawn(change_some(&imapd, 100 + i, 120));
  co_await group.join();
  stop = true;
  co_await beside.join();
  CHECK(stored > 700);
  CHECK(rounds >= 5);
  CHECK(collected.entries_purged > 0);
  CHECK(collected.blobs_collected > 0);
  CHECK(co_await problems(&owner.pool) == 0);
  co_await one.close();
  co_await two.close();
  co_await imapd.close();
  co_await owner.close();
}

/// Follows an account by modseq alone, as imapd does.
Task<void> follow(Station* station, MailboxId mailbox, const bool* stop, std::set<uint32_t>* seen) {
  Entries entries(station->pool);
  int64_t known = 0;
  while (true) {
    const bool last = *stop;
    auto changes = co_await entries.changes_since({1}, mailbox, known, soon());
    REQUIRE(changes);
    for (const Entry& entry : changes->changed) seen->insert(entry.uid);
    known = std::max(known, changes->highestmodseq);
    if (last) co_return;
    co_await sleep_for(milliseconds(1));
  }
}

Task<void> write_one(Station* station, int count) {
  for (int i = 0; i < count; ++i) {
    auto given = co_await station->deliverer.deliver(delivery_to({1}, "f" + std::to_string(i)), soon());
    REQUIRE(given);
  }
}

Task<void> followed(Fixture* fixture) {
  const MailboxId inbox{std::stoll(fixture->database.query(
      "SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND name = 'INBOX'"))};
  std::vector<std::unique_ptr<Station>> writers;
  for (int i = 0; i < 8; ++i) writers.push_back(std::make_unique<Station>(*fixture, "dromos_mta", 1));
  Station reader(*fixture, "dromos_imapd");
  bool stop = false;
  std::set<uint32_t> seen;
  TaskGroup following;
  TaskGroup writing;
  following.spawn(follow(&reader, inbox, &stop, &seen));
  for (auto& writer : writers) writing.spawn(write_one(writer.get(), 60));
  co_await writing.join();
  stop = true;
  co_await following.join();
  CHECK(seen.size() == 480);
  CHECK(*seen.rbegin() == 480);
  for (auto& writer : writers) co_await writer->close();
  co_await reader.close();
}

Task<void> kill_backends(Fixture* fixture, const bool* stop, int* killed) {
  // A connection of its own, by superuser, in the manner of an administrator or a crash.
  Station admin(*fixture);
  static const db::Statement kill{
      "test_kill",
      "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity "
      "WHERE usename = 'dromos_mta' AND datname = current_database() ORDER BY random() LIMIT 1) s"};
  while (!*stop) {
    auto rows = co_await admin.pool.exec(kill, db::Params(), soon());
    REQUIRE(rows);
    *killed += static_cast<int>(rows->integer(0, 0));
    co_await sleep_for(milliseconds(50));
  }
  co_await admin.close();
}

Task<void> cut(Fixture* fixture, int* stored, int* killed) {
  Station mta(*fixture, "dromos_mta");
  Station owner(*fixture);
  TaskGroup killing;
  bool stop = false;
  killing.spawn(kill_backends(fixture, &stop, killed));
  // Until some delivery was under way in a connection that ended, which is a matter of luck.
  for (int round = 0; round < 20 && mta.deliverer.stats().replayed == 0; ++round) {
    TaskGroup delivering;
    for (int i = 0; i < 16; ++i) delivering.spawn(deliver_some(&mta, 1000 * round + i, 40, stored));
    co_await delivering.join();
  }
  stop = true;
  co_await killing.join();
  CHECK(mta.deliverer.stats().replayed > 0);
  CHECK(mta.deliverer.stats().unknown == 0);
  WARN("killed " << *killed << ", replayed " << mta.deliverer.stats().replayed << ", already committed "
                 << mta.deliverer.stats().earlier);
  CHECK(co_await problems(&owner.pool) == 0);
  co_await mta.close();
  co_await owner.close();
}

}  // namespace

TEST_CASE("mixed writers on the same accounts meet no deadlock and leave a clean store",
          "[integration][store][stress]") {
  Fixture fixture(kAccounts);
  run_blocking(mixed(&fixture));
  CHECK(fixture.deadlocks() == "0");
}

TEST_CASE("a reader that follows modseq sees every change of eight writers", "[integration][store][stress]") {
  Fixture fixture(1);
  run_blocking(followed(&fixture));
  CHECK(fixture.deadlocks() == "0");
}

TEST_CASE("deliveries over broken connections arrive exactly once", "[integration][store][stress]") {
  Fixture fixture(kAccounts);
  int stored = 0;
  int killed = 0;
  run_blocking(cut(&fixture, &stored, &killed));
  CHECK(killed > 0);
  CHECK(fixture.database.query("SELECT count(*) FROM mail.entry") == std::to_string(stored));
  CHECK(fixture.deadlocks() == "0");
}

}  // namespace dromos::store
