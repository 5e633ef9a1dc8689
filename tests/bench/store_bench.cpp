// The store alone: durable deliveries a second, and the bulk operations of one mailbox. Needs DROMOS_TEST_PG.
// CPU is that of this process and of every process of that cluster (/proc/<pid>/stat).
// usage: store_bench [messages] [deliver]
#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/async/reactor.h"
#include "common/async/task_group.h"
#include "common/store/deliverer.h"
#include "common/store/entries.h"
#include "common/store/messages.h"
#include "common/testing/temp_database.h"

namespace dromos::store {
namespace {

struct Cpu {
  double client = 0;
  double postgres = 0;
};

/// Parent of our backend; children of other clusters on the machine do not count.
int postmaster = 0;

Cpu cpu_now() {
  Cpu cpu;
  const double tick = static_cast<double>(sysconf(_SC_CLK_TCK));
  DIR* proc = opendir("/proc");
  while (const dirent* item = readdir(proc)) {
    const int pid = std::atoi(item->d_name);
    if (pid == 0) continue;
    std::ifstream file("/proc/" + std::string(item->d_name) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const size_t close = text.rfind(')');
    if (close == std::string::npos) continue;
    std::istringstream fields(text.substr(close + 2));
    std::string skip;
    int parent = 0;
    fields >> skip >> parent;
    for (int i = 2; i < 11; ++i) fields >> skip;
    double user = 0, system = 0, waited_user = 0, waited_system = 0;
    fields >> user >> system >> waited_user >> waited_system;
    // Backends that ended are in the postmaster's waited-for time.
    if (pid == getpid()) cpu.client += (user + system) / tick;
    if (parent == postmaster) cpu.postgres += (user + system) / tick;
    if (pid == postmaster) cpu.postgres += (user + system + waited_user + waited_system) / tick;
  }
  closedir(proc);
  return cpu;
}

class Timer {
 public:
  Timer() : cpu_(cpu_now()), start_(Clock::now_us()) {}
  void report(const char* what, double count) const {
    const double wall = static_cast<double>(Clock::now_us() - start_) / 1e6;
    const Cpu cpu = cpu_now();
    std::printf("%-44s %9.3f s %10.0f /s   CPU client %6.3f PG %6.3f s  (%.3f ms each)\n", what, wall,
                count / wall, cpu.client - cpu_.client, cpu.postgres - cpu_.postgres,
                1000 * (cpu.client - cpu_.client + cpu.postgres - cpu_.postgres) / count);
    std::fflush(stdout);
  }

 private:
  Cpu cpu_;
  int64_t start_;
};

Deadline far() {
  return Deadline::after(seconds(600));
}

/// 5 KB of text that compresses about twofold, 700 bytes of facts, an extract of 2 KB.
Delivery make(int64_t account, int number) {
  Delivery delivery;
  delivery.id = DeliveryId::make();
  NewMessage message;
  message.raw = "Subject: message " + std::to_string(number) + "\r\nFrom: a@example.test\r\n\r\n";
  message.header_size = message.raw.size();
  uint64_t state = static_cast<uint64_t>(number) * 2654435761u + 12345;
  while (message.raw.size() < 5000) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    message.raw += std::to_string(state >> 40) + (state % 7 == 0 ? "\r\n" : " the ");
  }
  message.facts.assign(700, 'f');
  message.facts_version = 1;
  message.text = message.raw.substr(0, 2000);
  message.thread_keys = {static_cast<int64_t>(state >> 1)};
  message.received_us = Clock::now_us();
  message.trace = TraceId::make();
  delivery.trace.push_back(
      {message.trace, "bench", "message.stored", "a@example.test", "b@example.test", {account}, 250, "{}"});
  delivery.messages.push_back(std::move(message));
  LocalTarget target;
  target.account = {account};
  target.id = MessageId::make();
  delivery.targets.push_back(target);
  return delivery;
}

Task<void> sender(Deliverer* deliverer, int first, int count, int accounts) {
  for (int i = first; i < first + count; ++i) {
    auto given = co_await deliverer->deliver(make(accounts == 1 ? 1 : 2 + i % accounts, i), far());
    if (!given || !given->all_stored()) {
      std::fprintf(stderr, "delivery failed: %s\n", given ? "refused" : given.error().to_string().c_str());
      std::exit(1);
    }
  }
}

Task<void> deliveries(db::Pool* pool, BlobStore* blobs, const char* what, int senders, int total,
                      int accounts, size_t lanes, int base) {
  Deliverer deliverer(*pool, *blobs, {.lanes = lanes});
  TaskGroup group;
  const Timer timer;
  for (int i = 0; i < senders; ++i)
    group.spawn(sender(&deliverer, base + i * (total / senders), total / senders, accounts));
  co_await group.join();
  timer.report(what, total);
  std::printf("    batches %llu, mean %.1f; busy %llu\n",
              static_cast<unsigned long long>(deliverer.stats().batches),
              static_cast<double>(total) / static_cast<double>(deliverer.stats().batches),
              static_cast<unsigned long long>(deliverer.stats().busy));
  co_await deliverer.close();
}

Task<Result<void>> count_facts(size_t* bytes, const MessageFacts* facts) {
  *bytes += facts->facts.size();
  co_return Result<void>{};
}

Task<Result<void>> count_raw(size_t* bytes, Messages::Raw raw) {
  *bytes += raw.bytes.size();
  co_return Result<void>{};
}

template <class T>
void must(const Result<T>& result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().to_string().c_str());
  std::exit(1);
}

/// Process of the cluster's postmaster: the parent of whoever serves a new connection.
Task<void> find_postmaster(db::Pool* pool) {
  auto lease = co_await pool->acquire(far());
  must(lease);
  std::ifstream status("/proc/" + std::to_string((*lease)->backend_pid()) + "/status");
  for (std::string word; status >> word;)
    if (word == "PPid:") status >> postmaster;
}

/// What a daemon pays on its first delivery over a fresh connection: prepare and plans.
Task<void> fresh_connections(testing::TempDatabase* database) {
  constexpr int kTimes = 20;
  int64_t connecting = 0;
  int64_t first = 0;
  int64_t second = 0;
  for (int i = 0; i < kTimes; ++i) {
    db::Pool pool({.conninfo = database->conninfo(), .max = 2, .idle = 1, .require_durable = false});
    auto blobs = make_postgres_blob_store(pool);
    Deliverer deliverer(pool, *blobs, {.lanes = 1});
    const int64_t start = Clock::now_us();
    {
      must(co_await pool.acquire(far()));
    }
    const int64_t connected = Clock::now_us();
    must(co_await deliverer.deliver(make(2 + i, 900000 + 2 * i), far()));
    const int64_t delivered = Clock::now_us();
    must(co_await deliverer.deliver(make(2 + i, 900001 + 2 * i), far()));
    connecting += connected - start;
    first += delivered - connected;
    second += Clock::now_us() - delivered;
    co_await deliverer.close();
    co_await pool.close();
  }
  std::printf("fresh connection: open %.1f ms, first delivery %.1f ms, second %.1f ms\n",
              1e-3 * double(connecting) / kTimes, 1e-3 * double(first) / kTimes,
              1e-3 * double(second) / kTimes);
}

Task<void> bench(testing::TempDatabase* database, int messages, bool only_deliver) {
  db::Pool pool({.conninfo = database->conninfo(), .max = 8, .idle = 2, .require_durable = true});
  auto blobs = make_postgres_blob_store(pool);
  co_await find_postmaster(&pool);
  co_await deliveries(&pool, blobs.get(), "deliver, 1 sender, 2,000 accounts", 1, 2000, 2000, 1, 0);
  co_await deliveries(&pool, blobs.get(), "deliver, 64 senders, 2,000 accounts, 2 lanes", 64, 19200, 2000, 2,
                      10000);
  co_await deliveries(&pool, blobs.get(), "deliver, 64 senders, one hot account", 64, messages / 64 * 64, 1,
                      2, 100000);
  co_await fresh_connections(database);
  if (only_deliver) {
    co_await pool.close();
    co_return;
  }
  const MailboxId inbox{std::stoll(
      database->query("SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND name = 'INBOX'"))};
  const MailboxId archive{std::stoll(
      database->query("SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND name = 'Archive'"))};
  const MailboxId trash{std::stoll(
      database->query("SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND name = 'Trash'"))};
  const double count = std::stod(
      database->query("SELECT all_count FROM mail.mailbox WHERE account_id = 1 AND name = 'INBOX'"));
  database->query("VACUUM ANALYZE");
  Entries entries(pool);
  Messages reader(pool, *blobs);
  const AccountId account{1};
  for (int round = 0; round < 2; ++round) {
    size_t seen = 0;
    const Timer timer;
    must(co_await entries.load(account, inbox, 1, UINT32_MAX, [&seen](const Entry&) { ++seen; }, far()));
    timer.report("load uid, flags, modseq, ids", static_cast<double>(seen));
  }
  {
    size_t bytes = 0;
    const Timer timer;
    auto on_facts = [&bytes](const MessageFacts& facts) { return count_facts(&bytes, &facts); };
    must(co_await reader.stream_facts(account, inbox, UidSet::all(), on_facts, far()));
    timer.report("stream facts", count);
  }
  {
    size_t bytes = 0;
    const Timer timer;
    auto on_raw = [&bytes](Messages::Raw raw) { return count_raw(&bytes, std::move(raw)); };
    must(co_await reader.stream_raw(account, inbox, UidSet::all(), on_raw, far()));
    timer.report("stream bodies", count);
  }
  {
    const Timer timer;
    must(
        co_await entries.store(account, inbox, UidSet::all(), FlagOp::add, {kSeen, {}}, std::nullopt, far()));
    timer.report("STORE +FLAGS \\Seen on all", count);
  }
  co_await sleep_for(milliseconds(1500));  // backends report their counts when idle
  std::printf("    HOT updates: %s\n", database
                                           ->query("SELECT sum(n_tup_hot_upd) || ' of ' || sum(n_tup_upd) "
                                                   "FROM pg_stat_user_tables WHERE relname LIKE 'entry_p%'")
                                           .c_str());
  {
    const Timer timer;
    must(co_await entries.copy(DeliveryId::make(), account, inbox, UidSet::all(), archive, far()));
    timer.report("COPY all", count);
  }
  {
    const Timer timer;
    must(co_await entries.move(DeliveryId::make(), account, archive, UidSet::all(), trash, far()));
    timer.report("MOVE all", count);
  }
  {
    const Timer timer;
    must(co_await entries.expunge(account, trash, UidSet::all(), false, far()));
    timer.report("EXPUNGE all", count);
  }
  co_await pool.close();
}

}  // namespace
}  // namespace dromos::store

int main(int argc, char** argv) {
  const int messages = argc > 1 ? std::atoi(argv[1]) : 100'000;
  dromos::testing::TempDatabase database;
  database.query("SELECT mail.account_create_v1(a, NULL) FROM generate_series(1, 2001) a");
  dromos::run_blocking(dromos::store::bench(&database, messages, argc > 2));
  return 0;
}
