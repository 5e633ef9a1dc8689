// Indexer: writes the word index (common/store/word_index.h) in the background, from the stored text
// extracts, and both anew from the stored bytes where admind asks for it (common/store/reindex.h). Hints of
// deliveries say where to look; a slow scan finds what hints missed. Accounts are spread over kShards jobs
// leased through common/jobs, so of several imapds each account is indexed by one.
//
//   indexer_.emplace(pool, jobs, imapd::Indexer::Options{.enabled = config.imapd.indexer});  // main reactor
//   jobs.start();
//   indexer_->hint(account);             // any thread, for each change hint
//   co_await jobs.close();               // on drain, before the pool
//   co_await indexer_->close();
//
// Metrics: dromos_imapd_index_lag_seconds (age of the oldest message known not to be indexed),
// dromos_imapd_index_pending_accounts, dromos_imapd_index_messages_total,
// dromos_imapd_index_unmerged_messages (in the pending lists of GIN).
#pragma once

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/jobs/leased_runner.h"
#include "common/store/attachments.h"
#include "common/store/messages.h"
#include "common/store/reindex.h"
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
    /// Where messages' bytes are, for reindexing; without it there is none.
    store::BlobStore* blobs = nullptr;
    /// Set: messages with documents to be read (attachment.h) are put to wait for that, and this is told.
    std::function<void()> attachments_wait;
    /// Told after texts of an account were written anew.
    std::function<void(AccountId)> rewritten;
  };

  /// Adds its jobs to `jobs`, unless disabled. Both must live on the constructing reactor.
  Indexer(db::Pool& pool, jobs::LeasedRunner& jobs, Options options);
  ~Indexer();
  /// After the LeasedRunner has closed.
  Task<void> close();

  /// Mail of this account changed. Thread-safe, cheap; nothing if disabled.
  void hint(AccountId account);

 private:
  /// What other threads touch.
  struct Shared {
    std::mutex mutex;
    std::unordered_set<int64_t> hinted;
    uint64_t hints = 0;
    bool told = false;  // the home reactor knows that there are some
  };
  struct Shard {
    std::unordered_set<int64_t> hinted;
    Deadline scan = Deadline::after(milliseconds(0));
    int64_t oldest_ms = 0;  // of the messages known to be missing; 0: none
    size_t accounts = 0;
  };
  Task<Result<void>> run_shard(jobs::JobContext& context, int32_t shard);
  Task<Result<std::vector<int64_t>>> todo(int32_t shard);
  Task<Result<void>> index_account(jobs::JobContext& context, AccountId account, Shard& shard);
  Task<Result<void>> note_documents(AccountId account, std::vector<MessageId> ids);
  Task<Result<int64_t>> index_batch(AccountId account, std::vector<MessageId> ids);
  Task<Result<void>> reindex_shard(jobs::JobContext& context, int32_t number);
  Task<Result<void>> reindex_step(jobs::JobContext& context, store::Reindex::Step step, Shard& shard);
  Task<void> wait_while_busy(jobs::JobContext& context);
  bool is_busy();
  Task<Result<void>> clean(size_t at_least);
  Task<void> gather();
  void show_lag();
  static std::string job_name(int32_t shard) { return "imapd.index_" + std::to_string(shard); }

  jobs::LeasedRunner& jobs_;
  Options options_;
  Reactor& home_;
  store::WordIndex index_;
  store::Reindex reindex_;
  store::Attachments attachments_;
  std::optional<store::Messages> messages_;
  std::shared_ptr<Shared> shared_;
  std::array<Shard, kShards> shards_;
  std::unordered_map<std::string, size_t> dirty_;  // partition -> messages since its last clean
  uint64_t hints_seen_ = 0;
  int64_t hints_at_us_ = 0;
  bool hints_busy_ = false;
  TaskGroup group_;
};

}  // namespace dromos::imapd
