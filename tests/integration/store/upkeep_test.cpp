// Upkeep on rows whose age is set back by SQL: what is old goes, what is used stays.
#include "common/store/collector.h"
#include "common/store/entries.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

const char* const kAgeBlobs = "UPDATE mail.blob SET idle_since = now() - interval '25 hours' WHERE refs = 0";

Task<CollectorReport> round(Collector* collector) {
  auto report = co_await collector->run({}, soon());
  if (!report) FAIL(report.error().to_string());
  co_return *report;
}

Task<void> age_and_collect(Fixture* fixture) {
  Station mta(*fixture, "dromos_mta");
  Station imapd(*fixture, "dromos_imapd");
  Station admind(*fixture, "dromos_admind");
  Station owner(*fixture);
  Collector collector(admind.pool);
  Entries entries(imapd.pool);
  auto first = co_await mta.deliverer.deliver(delivery_to({1}, "same"), soon());
  REQUIRE(first);
  auto gone = co_await entries.expunge({1}, first->targets[0].mailbox, UidSet::all(), false, soon());
  REQUIRE(gone);
  CHECK((co_await round(&collector)).entries_purged == 0);  // too young
  fixture->database.query("UPDATE mail.expunged SET at = now() - interval '15 days'");
  fixture->database.query("UPDATE mail.account_state SET expunged_since = now() - interval '15 days'");
  auto report = co_await round(&collector);
  CHECK(report.entries_purged == 1);
  CHECK(report.blobs_collected == 0);  // idle since a moment ago
  CHECK(fixture->database.query("SELECT count(*) FROM mail.message") == "0");
  fixture->database.query(kAgeBlobs);
  // The same bytes come again before the collector: they stay.
  auto second = co_await mta.deliverer.deliver(delivery_to({1}, "same"), soon());
  REQUIRE(second);
  CHECK((co_await round(&collector)).blobs_collected == 0);
  CHECK(fixture->database.query("SELECT refs FROM mail.blob") == "1");
  gone = co_await entries.expunge({1}, second->targets[0].mailbox, UidSet::all(), false, soon());
  REQUIRE(gone);
  fixture->database.query("UPDATE mail.expunged SET at = now() - interval '15 days'");
  fixture->database.query("UPDATE mail.account_state SET expunged_since = now() - interval '15 days'");
  CHECK((co_await round(&collector)).entries_purged == 1);
  fixture->database.query(kAgeBlobs);
  CHECK((co_await round(&collector)).blobs_collected == 1);
  CHECK(fixture->database.query("SELECT count(*) FROM mail.blob") == "0");
  CHECK(co_await problems(&owner.pool) == 0);
  co_await mta.close();
  co_await imapd.close();
  co_await admind.close();
  co_await owner.close();
}

Task<void> drop_partitions(Fixture* fixture) {
  Station admind(*fixture, "dromos_admind");
  Collector collector(admind.pool);
  fixture->database.query("SELECT mail.partitions_make_v1(now() - interval '60 days')");
  fixture->database.query("UPDATE mail.account_state SET modseq = 9 WHERE account_id = 1");
  fixture->database.query(
      "INSERT INTO mail.changelog SELECT 1, 7, mailbox_id, 5, now() - interval '60 days', NULL, NULL "
      "FROM mail.mailbox WHERE account_id = 1 AND name = 'INBOX'");
  const std::string floor = "SELECT changelog_floor FROM mail.account_state WHERE account_id = ";
  const std::string other = fixture->database.query(floor + "2");
  const auto report = co_await round(&collector);
  CHECK(report.partitions_dropped == 6);  // three days of delivery and of trace
  CHECK(fixture->database.query(floor + "1") == "7");
  CHECK(fixture->database.query(floor + "2") == other);
  CHECK(fixture->database.query(
            "SELECT count(*) FROM mail.changelog WHERE at < now() - interval '50 days'") == "0");
  co_await admind.close();
}

}  // namespace

TEST_CASE("retention ends, bytes go a day later, bytes used again stay", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(age_and_collect(&fixture));
}

TEST_CASE("old partitions go, and the changelog's floor rises over them", "[integration][store]") {
  Fixture fixture(2);
  run_blocking(drop_partitions(&fixture));
}

}  // namespace dromos::store
