#include "imapd/index/indexer.h"

#include "../store/fixture.h"
#include "common/async/waiter.h"
#include "common/metrics/metrics.h"

namespace dromos::imapd {
namespace {

using store::Fixture;
using store::soon;

/// An imapd's share: pool as its role, runner, indexer.
struct Imapd {
  db::Pool pool;
  jobs::LeasedRunner runner;
  Indexer indexer;
  Imapd(const Fixture& fixture, Indexer::Options options)
      : pool({.conninfo = fixture.database.conninfo("dromos_imapd"), .max = 4, .require_durable = false}),
        runner(pool, {.where = "test", .retry = milliseconds(20)}),
        indexer(pool, runner, std::move(options)) {
    runner.start();
  }
  Task<void> close() {
    co_await runner.close();
    co_await indexer.close();
    co_await pool.close();
  }
};

Indexer::Options quick() {
  Indexer::Options options;
  options.batch = 4;
  options.interval = milliseconds(50);
  options.gather = milliseconds(5);
  options.pause = milliseconds(1);
  options.busy = [] { return false; };
  options.busy_hints = 1'000'000;
  return options;
}

Task<void> deliver(store::Station* station, int64_t account, int count, std::string body) {
  for (int i = 0; i < count; ++i) {
    auto delivery = store::delivery_to({account}, "x");
    delivery.messages[0].text = "subject: rechnung\nfrom: anna@example.org\n" + std::string(1, '\0') + body;
    auto result = co_await station->deliverer.deliver(std::move(delivery), soon());
    REQUIRE(result.has_value());
  }
}

template <class F>
Task<bool> until(F check) {
  const Deadline limit = Deadline::after(seconds(60));
  while (!check() && !limit.passed()) co_await sleep_for(milliseconds(10));
  co_return check();
}

std::string rows(const Fixture* fixture) {
  return fixture->database.query("SELECT count(*) FROM mail.word_index");
}

Task<void> several(const Fixture* fixture) {
  store::Station station(*fixture);
  metrics::Counter& total =
      metrics::counter("dromos_imapd_index_messages_total", "Messages put into the word index.");
  const uint64_t before = total.value();
  for (int64_t account = 1; account <= 6; ++account)
    co_await deliver(&station, account, 11, "wir haben die häuser in der schönen alten stadt gesehen");
  Imapd one(*fixture, quick()), two(*fixture, quick()), three(*fixture, quick());
  const bool all = co_await until([&] {
    return rows(fixture) == "66" && fixture->database.query(
                                        "SELECT count(*) FROM mail.account_state a JOIN mail.word_state w "
                                        "USING (account_id) WHERE w.modseq >= a.email_modseq") == "6";
  });
  CHECK(all);
  CHECK(total.value() - before == 66);  // no batch twice
  store::WordIndex index(station.pool);
  const auto found = co_await index.candidates({3}, {{"haus"}, {"anna", store::WordField::address}}, soon());
  REQUIRE(found.has_value());
  CHECK(found->indexed.size() == 11);
  CHECK(found->tail.empty());
  CHECK(fixture->database.query("SELECT languages FROM mail.word_state WHERE account_id = 3") == "{german}");
  co_await one.close();
  co_await two.close();
  co_await three.close();
  co_await station.close();
}

Task<void> hinted(const Fixture* fixture) {
  store::Station station(*fixture);
  auto options = quick();
  options.interval = seconds(3600);
  Imapd imapd(*fixture, options);
  const bool begun = co_await until(
      [&] { return fixture->database.query("SELECT count(*) FROM admin.job WHERE runs > 0") == "4"; });
  CHECK(begun);
  co_await deliver(&station, 2, 3, "text");
  imapd.indexer.hint({2});
  const bool done = co_await until([&] { return rows(fixture) == "3"; });
  CHECK(done);
  co_await imapd.close();
  co_await station.close();
}

Task<void> disabled(const Fixture* fixture) {
  store::Station station(*fixture);
  co_await deliver(&station, 1, 2, "text");
  auto options = quick();
  options.enabled = false;
  Imapd imapd(*fixture, options);
  imapd.indexer.hint({1});
  co_await sleep_for(milliseconds(300));
  CHECK(rows(fixture) == "0");
  CHECK(fixture->database.query("SELECT count(*) FROM admin.job") == "0");
  // Searching does not depend on it: all is tail.
  store::WordIndex index(station.pool);
  const auto found = co_await index.candidates({1}, {{"text"}}, soon());
  REQUIRE(found.has_value());
  CHECK(found->tail.size() == 2);
  co_await imapd.close();
  co_await station.close();
}

Task<void> lagging(const Fixture* fixture) {
  store::Station station(*fixture);
  co_await deliver(&station, 1, 2, "text");
  bool busy = true;
  auto options = quick();
  options.busy = [&busy] { return busy; };
  options.longest_wait = seconds(3600);
  metrics::Gauge& lag = metrics::gauge("dromos_imapd_index_lag_seconds",
                                       "Age of the oldest message known not to be in the word index.");
  Imapd imapd(*fixture, options);
  Clock::set_for_test(Clock::now_us() + 100'000'000);
  const bool shown = co_await until([&] { return lag.value() >= 90; });
  CHECK(shown);
  CHECK(rows(fixture) == "0");  // waits while the process is busy
  busy = false;
  const bool done = co_await until([&] { return rows(fixture) == "2" && lag.value() == 0; });
  CHECK(done);
  Clock::set_for_test(0);
  co_await imapd.close();
  co_await station.close();
}

}  // namespace

TEST_CASE("Several imapds index every account once", "[integration][imapd]") {
  const Fixture fixture(6);
  run_blocking(several(&fixture));
}

TEST_CASE("A hint has an account indexed before the slow scan", "[integration][imapd]") {
  const Fixture fixture(3);
  run_blocking(hinted(&fixture));
}

TEST_CASE("A disabled indexer does nothing, and the tail says so", "[integration][imapd]") {
  const Fixture fixture(1);
  run_blocking(disabled(&fixture));
}

TEST_CASE("A busy process waits with indexing and shows the lag", "[integration][imapd]") {
  const Fixture fixture(1);
  run_blocking(lagging(&fixture));
}

}  // namespace dromos::imapd
