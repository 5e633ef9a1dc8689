// Answers that get lost, and clients that stop in the middle: what is told is true, and others go on.
#include <libpq-fe.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "common/async/reactor.h"
#include "common/store/collector.h"
#include "common/store/entries.h"
#include "common/store/errc.h"
#include "common/store/mailboxes.h"
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

/// Between a pool and PostgreSQL. Armed, it takes the next answer of the server and cuts the connection: what
/// was asked is committed (answers leave the server after the commit), and nobody was told.
class Swallower {
 public:
  explicit Swallower(const std::string& conninfo) {
    std::array<char, 32> folder{"/tmp/dromos-sw-XXXXXX"};
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    folder_ = folder.data();
    const size_t at = conninfo.find("host=") + 5;
    const size_t end = conninfo.find(' ', at);
    upstream_ = conninfo.substr(at, end - at) + "/.s.PGSQL.5432";
    conninfo_ = conninfo.substr(0, at) + folder_ + conninfo.substr(end);
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(folder_ + "/.s.PGSQL.5432");
    REQUIRE(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~Swallower() {
    shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& pump : pumps_) pump.join();
    close(listener_);
    for (int fd : open_) close(fd);
    unlink((folder_ + "/.s.PGSQL.5432").c_str());
    rmdir(folder_.c_str());
  }
  const std::string& conninfo() const { return conninfo_; }
  void arm() { armed_ = true; }
  int swallowed() const { return swallowed_; }

 private:
  void accept_all() {
    while (true) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_un address = address_of(upstream_);
      open_.insert(open_.end(), {client, server});
      if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
      pumps_.emplace_back([this, client, server] { pump(client, server, false); });
      pumps_.emplace_back([this, client, server] { pump(server, client, true); });
    }
  }
  void pump(int from, int to, bool answers) {
    std::array<char, 16384> buffer{};
    for (ssize_t n = 0; (n = read(from, buffer.data(), buffer.size())) > 0;) {
      if (answers && armed_.exchange(false)) {
        ++swallowed_;
        break;
      }
      for (ssize_t sent = 0; sent < n;) {
        const ssize_t m = send(to, buffer.data() + sent, static_cast<size_t>(n - sent), MSG_NOSIGNAL);
        if (m <= 0) break;
        sent += m;
      }
    }
    shutdown(from, SHUT_RDWR);
    shutdown(to, SHUT_RDWR);
  }

  std::string folder_, upstream_, conninfo_;
  int listener_ = -1;
  std::atomic<bool> armed_{false};
  std::atomic<int> swallowed_{0};
  std::vector<int> open_;
  std::vector<std::thread> pumps_;
  std::thread accepting_;
};

MailboxId box(const Fixture& fixture, int account, const std::string& name) {
  return {std::stoll(fixture.database.query("SELECT mailbox_id FROM mail.mailbox WHERE account_id = " +
                                            std::to_string(account) + " AND name = '" + name + "'"))};
}

Task<void> committed_but_not_told(Fixture* fixture) {
  Swallower proxy(fixture->database.conninfo("dromos_mta"));
  db::Pool pool({.conninfo = proxy.conninfo(), .max = 6, .idle = 2, .require_durable = false});
  auto blobs = make_postgres_blob_store(pool);
  Deliverer deliverer(pool, *blobs, {.lanes = 1});
  auto warm = co_await deliverer.deliver(delivery_to({1}, "warm"), soon());
  REQUIRE(warm);
  proxy.arm();
  auto given = co_await deliverer.deliver(delivery_to({1, 2}, "lost answer"), soon());
  REQUIRE(given);
  CHECK(proxy.swallowed() == 1);
  CHECK(given->earlier);
  CHECK(given->all_stored());
  CHECK(given->targets[0].uid == 2);
  CHECK(deliverer.stats().earlier == 1);
  co_await deliverer.close();
  co_await pool.close();
}

Task<void> mutations_not_told(Fixture* fixture) {
  Station mta(*fixture, "dromos_mta");
  for (int i = 0; i < 3; ++i) {
    auto given = co_await mta.deliverer.deliver(delivery_to({1}, std::to_string(i)), soon());
    REQUIRE(given);
  }
  Swallower proxy(fixture->database.conninfo("dromos_imapd"));
  db::Pool pool({.conninfo = proxy.conninfo(), .max = 2, .idle = 1, .require_durable = false});
  Entries entries(pool);
  Mailboxes mailboxes(pool);
  const MailboxId inbox = box(*fixture, 1, "INBOX");
  const MailboxId archive = box(*fixture, 1, "Archive");
  REQUIRE(co_await mailboxes.tree({1}, soon()));  // the connection stands

  proxy.arm();
  auto copied = co_await entries.copy(DeliveryId::make(), {1}, inbox, UidSet::all(), archive, soon());
  REQUIRE(copied);  // asked again by its id
  CHECK(copied->first_uid == 1);
  CHECK(fixture->database.query(
            "SELECT all_count FROM mail.mailbox WHERE account_id = 1 AND name = 'Archive'") == "3");

  const auto unknown = [](const auto& result) { return !result && result.error().is(StoreErrc::unknown); };
  proxy.arm();
  auto stored =
      co_await entries.store({1}, inbox, UidSet::all(), FlagOp::add, {kDeleted, {}}, std::nullopt, soon());
  REQUIRE(stored);  // done again, to no further effect
  CHECK(stored->repeated);
  CHECK(stored->changed.empty());
  REQUIRE(co_await mailboxes.tree({1}, soon()));
  proxy.arm();
  // A second try would take the first one's modseq for a stranger's.
  CHECK(unknown(
      co_await entries.store({1}, inbox, UidSet::all(), FlagOp::remove, {kDeleted, {}}, INT64_MAX, soon())));
  CHECK(fixture->database.query("SELECT count(*) FROM mail.entry WHERE flags & 8 = 8") == "0");

  const auto places = co_await entries.slice({1}, inbox, 1, 1, soon());
  REQUIRE(places);
  proxy.arm();
  CHECK(unknown(co_await entries.set_email({1}, (*places)[0].id, std::nullopt, FlagSet{kFlagged, {}},
                                           std::nullopt, soon())));
  CHECK(fixture->database.query("SELECT count(*) FROM mail.entry WHERE flags & 4 = 4") == "2");
  // What was made from an older reading does not overwrite that.
  const auto stale = co_await entries.set_email({1}, (*places)[0].id, std::nullopt, FlagSet{kSeen, {}},
                                                (*places)[0].modseq, soon());
  CHECK((!stale && stale.error().is(StoreErrc::conflict)));
  CHECK(fixture->database.query("SELECT count(*) FROM mail.entry WHERE flags & 4 = 4") == "2");
  REQUIRE(co_await mailboxes.tree({1}, soon()));
  proxy.arm();
  const auto expunged = co_await entries.expunge({1}, inbox, UidSet::all(), false, soon());
  REQUIRE(expunged);
  CHECK(expunged->repeated);
  CHECK(fixture->database.query(
            "SELECT all_count FROM mail.mailbox WHERE account_id = 1 AND name = 'INBOX'") == "0");
  REQUIRE(co_await mailboxes.tree({1}, soon()));
  proxy.arm();
  const auto created = co_await mailboxes.create({1}, {"made"}, std::nullopt, true, soon());
  REQUIRE(created);
  CHECK(created->change);
  CHECK(fixture->database.query("SELECT count(*) FROM mail.mailbox WHERE name = 'made'") == "1");
  // An answer of the server is no lost answer.
  auto again = co_await mailboxes.create({1}, {"made"}, std::nullopt, true, soon());
  CHECK((!again && again.error().is(StoreErrc::exists)));
  CHECK(proxy.swallowed() == 6);
  co_await pool.close();
  co_await mta.close();
}

Task<void> deliver_one(Deliverer* deliverer, std::vector<int64_t> accounts, int* done) {
  auto given = co_await deliverer->deliver(delivery_to(accounts, "x"), soon());
  if (!given) FAIL(given.error().to_string());
  REQUIRE(given->all_stored());
  ++*done;
}

/// Holds account 1 while others deliver; `release` lets go.
Task<void> others_go_on(Fixture* fixture, std::function<Task<void>()> release) {
  Station mta(*fixture, "dromos_mta", 1);
  TaskGroup held;
  TaskGroup free;
  int waiting = 0;
  int done = 0;
  for (int i = 0; i < 8; ++i) held.spawn(deliver_one(&mta.deliverer, {1, 2}, &waiting));
  for (int i = 0; i < 30; ++i) free.spawn(deliver_one(&mta.deliverer, {2 + i % 4}, &done));
  co_await free.join();
  CHECK(done == 30);
  CHECK(waiting == 0);  // the account is still locked
  CHECK(mta.deliverer.stats().busy > 0);
  co_await release();
  co_await held.join();
  CHECK(waiting == 8);
  co_await mta.close();
}

Task<void> kill_stopped(Fixture* fixture, PGconn* stopped) {
  Station admind(*fixture, "dromos_admind");
  Collector collector(admind.pool);
  auto patient = co_await collector.watchdog(seconds(3600), soon());
  REQUIRE(patient);
  CHECK(*patient == 0);
  co_await sleep_for(milliseconds(1100));  // the watchdog counts whole seconds
  auto ended = co_await collector.watchdog(seconds(1), soon());
  if (!ended) FAIL(ended.error().to_string());
  CHECK(*ended == 1);
  CHECK(PQstatus(stopped) == CONNECTION_OK);  // it has not looked yet
  co_await admind.close();
}

void must_do(PGconn* connection, const char* sql) {
  PGresult* result = PQexec(connection, sql);
  const ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  REQUIRE((status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK));
}

Task<void> commit_on(PGconn* connection) {
  must_do(connection, "COMMIT");
  co_return;
}

}  // namespace

TEST_CASE("a delivery whose answer is lost after the commit is found by its id", "[integration][store]") {
  Fixture fixture(2);
  run_blocking(committed_but_not_told(&fixture));
  CHECK(fixture.database.query("SELECT count(*) FROM mail.entry") == "3");
}

TEST_CASE("mutations whose answer is lost are unknown, never failed", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(mutations_not_told(&fixture));
  CHECK(fixture.database.query("SELECT count(*) FROM mail.check_account_v3(1)") == "0");
}

TEST_CASE("a copy that holds an account does not hold up the others", "[integration][store]") {
  Fixture fixture(6);
  // Stopped before its commit: no copy takes longer.
  PGconn* copier = PQconnectdb(fixture.database.conninfo("dromos_imapd").c_str());
  must_do(copier, "BEGIN");
  const std::string sql = "SELECT * FROM mail.transfer_v1(gen_random_uuid(), 1, " +
                          std::to_string(box(fixture, 1, "INBOX").value) + ", '{[1,9)}', " +
                          std::to_string(box(fixture, 1, "Archive").value) + ", false)";
  must_do(copier, sql.c_str());
  run_blocking(others_go_on(&fixture, [copier] { return commit_on(copier); }));
  PQfinish(copier);
  CHECK(fixture.deadlocks() == "0");
}

TEST_CASE("the watchdog ends a client that stopped between Execute and Sync", "[integration][store]") {
  Fixture fixture(6);
  PGconn* stopped = PQconnectdb(fixture.database.conninfo("dromos_imapd").c_str());
  REQUIRE(PQenterPipelineMode(stopped) == 1);
  const std::string sql = "SELECT * FROM mail.store_flags_v1(1, " +
                          std::to_string(box(fixture, 1, "INBOX").value) + ", '{[1,9)}', 1, 1, '', NULL)";
  REQUIRE(PQsendQueryParams(stopped, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 1);
  REQUIRE(PQflush(stopped) == 0);  // no Sync: the transaction stays open
  while (
      fixture.database.query("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                             "backend_xid IS NOT NULL AND wait_event = 'ClientRead'") != "1")
    usleep(10'000);
  run_blocking(others_go_on(&fixture, [&fixture, stopped] { return kill_stopped(&fixture, stopped); }));
  PQfinish(stopped);
  CHECK(fixture.deadlocks() == "0");
}

}  // namespace dromos::store
