// What the word index costs and gives, on 100,000 messages of one account: put (words, language apart),
// PostgreSQL's CPU included, and searches. Needs DROMOS_TEST_PG. Prints one line a figure.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>

#include "common/async/task_group.h"
#include "common/store/word_index.h"
#include "common/testing/temp_database.h"

using namespace dromos;

namespace {

int messages = 100'000;  // first argument
constexpr int kBatch = 200;
constexpr int kVocabulary = 60'000;

double own_cpu() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto seconds_of = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds_of(use.ru_utime) + seconds_of(use.ru_stime);
}

double backend_cpu(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string word;
  double ticks = 0;
  for (int i = 1; i <= 15 && file >> word; ++i)
    if (i >= 14) ticks += std::stod(word);
  return ticks / 100;
}

std::string word_of(int rank) {
  std::string out;
  for (int n = rank + 1000; n > 0; n /= 20) {
    out += "bdfglmnprstvkzcjwhxq"[n % 20];
    out += "aeiou"[n % 5];
  }
  return out;
}

/// About 180 distinct words, Zipf-like.
store::WordDocument document_of(int number, std::mt19937& random) {
  store::WordDocument document;
  std::uniform_real_distribution<double> zipf(0.0, 1.0);
  const auto pick = [&] { return static_cast<int>(std::pow(kVocabulary, zipf(random))) - 1; };
  for (int i = 0; i < 330; ++i) document.body += word_of(pick()) + " ";
  document.body += number % 2800 == 0 ? "needleword" : "";
  document.subject = word_of(pick()) + " " + word_of(pick()) + " " + word_of(pick());
  document.addresses = "anna mueller anna" + std::to_string(number % 500) + "@example.org bob@example.net";
  document.language = "english";
  return document;
}

Task<void> bench(const testing::TempDatabase* database) {
  database->query("SELECT mail.account_create_v1(1, NULL)");
  database->query(
      "INSERT INTO mail.message (account_id, message_id, thread_id, received_at, created_modseq, size, "
      "facts_version, "
      "blob_hash, facts) SELECT 1, gen_random_uuid(), gen_random_uuid(), now(), 1, 5000, 1, "
      "decode(repeat('00', 32), 'hex'), '' FROM generate_series(1, " +
      std::to_string(messages) + ")");
  database->query("ANALYZE mail.message");
  db::Pool pool({.conninfo = database->conninfo(), .max = 1, .idle = 1, .require_durable = false});
  store::WordIndex index(pool);
  const Deadline limit = Deadline::after(std::chrono::minutes(30));
  const db::Statement pid_of{"bench_pid", "SELECT pg_backend_pid()"};
  const auto row = co_await pool.exec(pid_of, {}, limit);
  const std::string backend = std::to_string(row->integer(0, 0));

  std::mt19937 random(1);
  double client = 0, wall = 0;
  const double server_before = backend_cpu(backend);
  int number = 0, uncleaned = 0;
  MessageId after;
  std::string partition;
  while (true) {
    const auto tail = co_await index.tail({1}, after, 4096, limit);
    for (size_t at = 0; at < tail->messages.size(); at += kBatch) {
      std::vector<store::WordDocument> documents;
      for (size_t i = at; i < std::min(at + kBatch, tail->messages.size()); ++i) {
        documents.push_back(document_of(number++, random));
        documents.back().id = tail->messages[i];
      }
      const double cpu = own_cpu();
      const auto begun = std::chrono::steady_clock::now();
      uncleaned += static_cast<int>(documents.size());
      const auto put = co_await index.put({1}, std::move(documents), limit);
      if (!put) {
        std::printf("put: %s\n", put.error().to_string().c_str());
        co_return;
      }
      partition = put->partition;
      if (uncleaned >= 1000) {
        (void)co_await index.clean(partition, limit);
        uncleaned = 0;
      }
      client += own_cpu() - cpu;
      wall += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    }
    if (tail->whole) break;
    after = tail->messages.back();
  }
  (void)co_await index.clean(partition, limit);
  (void)co_await index.set_position({1}, 1, limit);
  const double server = backend_cpu(backend) - server_before;
  std::printf("put: client %.3f ms, backend %.3f ms CPU, %.3f ms wall a message\n", client * 1e3 / number,
              server * 1e3 / number, wall * 1e3 / number);
  std::printf("table %s, words index %s\n",
              database
                  ->query("SELECT pg_size_pretty(sum(pg_table_size(c.oid))) FROM pg_class c WHERE relname ~ "
                          "'^word_index_p[0-9]+$'")
                  .c_str(),
              database
                  ->query("SELECT pg_size_pretty(sum(pg_relation_size(c.oid))) FROM pg_class c WHERE relname "
                          "~ '^word_index_p.*tsv_idx$'")
                  .c_str());
  database->query("VACUUM ANALYZE mail.word_index");

  struct Case {
    const char* name;
    std::vector<store::WordTerm> terms;
  };
  const std::vector<Case> cases = {{"rare word", {{"needleword"}}},
                                   {"common word", {{word_of(3)}}},
                                   {"two words", {{word_of(30)}, {word_of(400)}}},
                                   {"rare and common", {{"needleword"}, {word_of(3)}}},
                                   {"prefix", {{"needl", store::WordField::any, true}}},
                                   {"subject", {{word_of(300), store::WordField::subject}}},
                                   {"address", {{"anna77", store::WordField::address}}},
                                   {"absent", {{"qqqqq"}}}};
  for (const Case& one : cases) {
    std::vector<double> times;
    size_t hits = 0;
    for (int i = 0; i < 30; ++i) {
      const auto begun = std::chrono::steady_clock::now();
      const auto found = co_await index.candidates({1}, one.terms, limit);
      times.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count());
      hits = found ? found->indexed.size() : 0;
    }
    std::sort(times.begin(), times.end());
    std::printf("%-16s %7zu hits  p50 %.2f ms  max %.2f ms\n", one.name, hits, times[15], times.back());
  }
  co_await pool.close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) messages = std::atoi(argv[1]);
  const testing::TempDatabase database;
  run_blocking(bench(&database));
  return 0;
}
