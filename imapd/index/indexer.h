// Indexer: writes the word index (common/store/word_index.h) in the background, from the stored text
// extracts. Hints of deliveries say where to look; a slow scan finds what hints missed. Accounts are spread
// over kShards jobs leased through common/jobs, so of several imapds each account is indexed by one.
//
//   indexer_.emplace(pool, jobs, imapd::Indexer::Options{.enabled = config.imapd.indexer});  // main reactor
//   jobs.start();
//   indexer_->hint(account);             // any thread, for each change hint
//   co_await jobs.close();               // on drain, before the pool; then the indexer may go
//
// Metrics: dromos_imapd_index_lag_seconds, dromos_imapd_index_pending_messages, ..._messages_total.
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/jobs/job_runner.h"
#include "common/store/word_index.h"

namespace dromos::imapd {

class Indexer {
 public:
  static constexpr int32_t kShards = 4;

  struct Options {
    bool enabled = true;
    size_t batch = 200;                ///< messages in a transaction
    milliseconds interval{30000};      ///< of the slow scan
    milliseconds gather{2000};         ///< after a hint: lets a batch gather
    milliseconds pause{10};            ///< between batches
    uint32_t busy_hints = 500;         ///< changes a second at which indexing waits
    milliseconds longest_wait{10000};  ///< but never longer than this for one batch
    /// True while this process has better things to do; default: its reactor's backlog is over 64.
    std::function<bool()> busy;
  };

  /// Adds its jobs to `jobs`, unless disabled. Both must live on the constructing reactor.
  Indexer(db::Pool& pool, jobs::JobRunner& jobs, Options options);
  /// Nothing of it may be running: close the JobRunner first.
  ~Indexer();

  /// Mail of this account changed. Thread-safe, cheap; nothing if disabled.
  void hint(AccountId account);

 private:
  struct Shared;
  Task<Result<void>> run_shard(jobs::JobContext& context, int32_t shard);
  Task<Result<void>> index_account(jobs::JobContext& context, AccountId account, int32_t shard);
  Task<Result<void>> index_batch(AccountId account, std::span<const MessageId> ids, bool* complete);
  Task<void> wait_while_busy(jobs::JobContext& context);
  Task<void> clean_partitions(size_t at_least);
  void take_hints();

  db::Pool& pool_;
  jobs::JobRunner& jobs_;
  Options options_;
  store::WordIndex index_;
  std::shared_ptr<Shared> shared_;
  std::array<std::unordered_set<int64_t>, kShards> hinted_;
  std::unordered_map<std::string, size_t> dirty_;  // partition -> messages since its last clean
  TaskGroup group_;
};

}  // namespace dromos::imapd
