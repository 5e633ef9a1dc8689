#include "imapd/index/indexer.h"

#include <algorithm>

#include "common/async/offload.h"
#include "common/async/waiter.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "imapd/index/attachment.h"
#include "imapd/index/document.h"
#include "imapd/index/text_again.h"

namespace dromos::imapd {
namespace {

constexpr size_t kCleanAfter = 1000;      // messages in one partition's pending list
constexpr size_t kPutBytes = 512 * 1024;  // of text in one call, which holds its messages
constexpr size_t kBusyBacklog = 64;
constexpr milliseconds kBusyStep{100};
constexpr int32_t kScan = 1000;
constexpr int32_t kReindexStep = 50;
constexpr seconds kReindexTime{5};
constexpr int64_t kRateWindowUs = 500'000;

Deadline call_deadline() {
  return Deadline::after(seconds(30));
}

metrics::Counter& indexed_total() {
  static metrics::Counter& counter =
      metrics::counter("dromos_imapd_index_messages_total", "Messages put into the word index.");
  return counter;
}

metrics::Gauge& unmerged() {
  static metrics::Gauge& gauge =
      metrics::gauge("dromos_imapd_index_unmerged_messages",
                     "Indexed messages that searches find by scanning a pending list.");
  return gauge;
}

size_t bytes_of(const store::WordDocument& document) {
  return document.subject.size() + document.addresses.size() + document.body.size();
}

std::vector<store::WordDocument> with_languages(std::vector<store::WordDocument> documents) {
  for (store::WordDocument& document : documents) set_language(document);
  return documents;
}

Task<Result<void>> nothing_to_do() {
  co_return Result<void>{};
}

}  // namespace

Indexer::Indexer(db::Pool& pool, jobs::LeasedRunner& jobs, Options options)
    : jobs_(jobs),
      options_(std::move(options)),
      home_(Reactor::current()),
      index_(pool),
      reindex_(pool),
      attachments_(pool),
      shared_(std::make_shared<Shared>()) {
  if (options_.blobs != nullptr) messages_.emplace(pool, *options_.blobs);
  if (!options_.enabled) return;
  if (!options_.busy) options_.busy = [this] { return home_.backlog() > kBusyBacklog; };
  for (int32_t shard = 0; shard < kShards; ++shard)
    jobs_.add(job_name(shard), options_.interval,
              [this, shard](jobs::JobContext& context) { return run_shard(context, shard); });
}

Indexer::~Indexer() = default;

Task<void> Indexer::close() {
  co_await group_.close();
}

void Indexer::hint(AccountId account) {
  if (!options_.enabled) return;
  const std::lock_guard lock(shared_->mutex);
  ++shared_->hints;
  shared_->hinted.insert(account.value);
  if (std::exchange(shared_->told, true)) return;
  home_.post([this, weak = std::weak_ptr<Shared>(shared_)] {
    if (!weak.expired()) group_.spawn(gather());
  });
}

/// Waits a little, then hands what was hinted to the shards and wakes their jobs.
Task<void> Indexer::gather() {
  const Wake end = co_await sleep_for(options_.gather, group_.token());
  if (end == Wake::cancelled) co_return;
  std::unordered_set<int64_t> accounts;
  {
    const std::lock_guard lock(shared_->mutex);
    accounts.swap(shared_->hinted);
    shared_->told = false;
  }
  for (const int64_t account : accounts)
    shards_[static_cast<size_t>(account % kShards)].hinted.insert(account);
  for (int32_t shard = 0; shard < kShards; ++shard)
    if (!shards_[static_cast<size_t>(shard)].hinted.empty()) jobs_.wake(job_name(shard));
}

/// Hinted accounts, and once an interval all that lag.
Task<Result<std::vector<int64_t>>> Indexer::todo(int32_t number) {
  Shard& shard = shards_[static_cast<size_t>(number)];
  std::unordered_set<int64_t> accounts = std::exchange(shard.hinted, {});
  if (shard.scan.passed()) {
    for (AccountId after; true;) {
      CO_TRY(const auto pending, co_await index_.pending(after, number, kShards, kScan, call_deadline()));
      for (const auto& one : pending) accounts.insert(one.account.value);
      if (pending.size() < static_cast<size_t>(kScan)) break;
      after = pending.back().account;
    }
    shard.scan = Deadline::after(options_.interval);
  }
  co_return std::vector<int64_t>(accounts.begin(), accounts.end());
}

Task<Result<void>> Indexer::run_shard(jobs::JobContext& context, int32_t number) {
  Shard& shard = shards_[static_cast<size_t>(number)];
  const bool scanning = shard.scan.passed();
  CO_TRY(const auto accounts, co_await todo(number));
  Result<void> worst;
  size_t done = 0;
  for (; done < accounts.size() && !context.stopping(); ++done) {
    shard.accounts = accounts.size() - done;
    auto result = co_await index_account(context, {accounts[done]}, shard);
    if (!result) {
      log::warn("index.failed", {{"account", accounts[done]}, {"err", result.error()}});
      worst = std::move(result);  // the others must not wait for it; the slow scan comes back to it
    }
  }
  // Cut short: the rest is due at once, here or elsewhere.
  for (size_t rest = done; rest < accounts.size(); ++rest) shard.hinted.insert(accounts[rest]);
  if (context.stopping() && !accounts.empty()) {
    shard.scan = Deadline::after(milliseconds(0));
    context.again();
  } else {
    shard.oldest_ms = 0;
    shard.accounts = 0;
  }
  show_lag();
  if (context.stopping()) co_return worst;
  if (messages_) CO_TRY_VOID(co_await reindex_shard(context, number));
  const size_t least = scanning ? 1 : options_.batch;
  CO_TRY_VOID(co_await clean(least));
  co_return worst;
}

/// Under the lease of the shard's indexing, so that nobody else writes its words meanwhile. New mail waits no
/// longer than kReindexTime.
Task<Result<void>> Indexer::reindex_shard(jobs::JobContext& context, int32_t number) {
  const Deadline until = Deadline::after(kReindexTime);
  Shard& shard = shards_[static_cast<size_t>(number)];
  while (true) {
    CO_TRY(auto step, co_await reindex_.next(number, kShards, kReindexStep, call_deadline()));
    if (!step) co_return Result<void>{};
    if (until.passed() || context.stopping()) break;
    co_await wait_while_busy(context);
    CO_TRY_VOID(co_await reindex_step(context, std::move(*step), shard));
    co_await context.slice(options_.pause);
  }
  context.again();
  co_return Result<void>{};
}

Task<Result<void>> Indexer::reindex_step(jobs::JobContext& context, store::Reindex::Step step, Shard& shard) {
  if (step.messages.empty()) {
    // What the index lacks now came meanwhile; its position moves again.
    CO_TRY_VOID(co_await index_account(context, step.account, shard));
    if (context.stopping()) co_return Result<void>{};
    log::info("reindex.done", {{"account", step.account.value}});
    co_return co_await reindex_.end(step.account, call_deadline());
  }
  std::vector<MessageId> ids = step.messages;
  CO_TRY(auto texts, co_await texts_again(*messages_, *options_.blobs, step.account, ids,
                                          options_.attachments_wait != nullptr, call_deadline()));
  const bool wait = !texts.later.empty();
  CO_TRY_VOID(co_await reindex_.put(step, std::move(texts), call_deadline()));
  if (wait) options_.attachments_wait();
  if (options_.rewritten) options_.rewritten(step.account);
  context.count("reindexed", static_cast<int64_t>(ids.size()));
  CO_TRY_VOID(co_await index_batch(step.account, std::move(ids)));
  co_return Result<void>{};
}

Task<Result<void>> Indexer::index_account(jobs::JobContext& context, AccountId account, Shard& shard) {
  MessageId after;
  int64_t position = -1;
  int64_t skipped = 0;
  while (true) {
    CO_TRY(const auto tail,
           co_await index_.tail(account, after, store::WordIndex::kMaxTail, call_deadline()));
    if (position < 0) position = tail.modseq;
    for (size_t at = 0; at < tail.messages.size(); at += options_.batch) {
      // Ids are in order of time, more or less.
      shard.oldest_ms = tail.messages[at].value.unix_ms();
      show_lag();
      co_await wait_while_busy(context);
      if (at > 0 || !after.is_nil()) co_await context.slice(options_.pause);
      if (context.stopping()) co_return Result<void>{};
      const size_t end = std::min(at + options_.batch, tail.messages.size());
      std::vector<MessageId> ids(tail.messages.begin() + static_cast<std::ptrdiff_t>(at),
                                 tail.messages.begin() + static_cast<std::ptrdiff_t>(end));
      CO_TRY(const int64_t left, co_await index_batch(account, std::move(ids)));
      skipped += left;
      context.count(static_cast<int64_t>(end - at));
      CO_TRY_VOID(co_await clean(kCleanAfter));
    }
    if (tail.whole) break;
    after = tail.messages.back();
  }
  if (skipped > 0 || position <= 0) co_return Result<void>{};
  co_return co_await index_.set_position(account, position, call_deadline());
}

/// Before the index says that it has them: else documents could be forgotten.
Task<Result<void>> Indexer::note_documents(AccountId account, std::vector<MessageId> ids) {
  std::vector<MessageId> found;
  auto on_facts = [&found](const store::MessageFacts& message) {
    if (has_documents(message.facts)) found.push_back(message.id);
    return nothing_to_do();
  };
  CO_TRY_VOID(co_await messages_->facts_of(account, std::move(ids), on_facts, call_deadline()));
  if (found.empty()) co_return Result<void>{};
  CO_TRY(const int64_t fresh, co_await attachments_.wait(account, std::move(found), call_deadline()));
  if (fresh > 0) options_.attachments_wait();
  co_return Result<void>{};
}

/// Returns how many were skipped.
Task<Result<int64_t>> Indexer::index_batch(AccountId account, std::vector<MessageId> ids) {
  if (messages_ && options_.attachments_wait) CO_TRY_VOID(co_await note_documents(account, ids));
  std::vector<store::WordDocument> documents;
  std::unordered_set<Uuid> without;
  for (const MessageId& id : ids) without.insert(id.value);
  auto on_text = [&](MessageId id, std::string text) {
    without.erase(id.value);
    documents.push_back(document_of(id, text));
  };
  CO_TRY_VOID(co_await index_.texts(account, std::move(ids), on_text, call_deadline()));
  // A message without text is indexed too, by no word: else it would be in the tail for ever.
  for (const Uuid& id : without) documents.push_back(document_of({id}, {}));

  int64_t skipped = 0;
  for (size_t at = 0; at < documents.size();) {
    std::vector<store::WordDocument> some;
    for (size_t bytes = 0; at < documents.size() && bytes < kPutBytes; ++at) {
      bytes += bytes_of(documents[at]);
      some.push_back(std::move(documents[at]));
    }
    const size_t count = some.size();
    auto guess = [mine = std::move(some)]() mutable { return with_languages(std::move(mine)); };
    some = co_await offload(std::move(guess));
    CO_TRY(const auto put, co_await index_.put(account, std::move(some), call_deadline()));
    skipped += put.skipped;
    indexed_total().add(count);
    if (put.partition.empty()) continue;
    dirty_[put.partition] += count;
    unmerged().add(static_cast<int64_t>(count));
  }
  co_return skipped;
}

Task<Result<void>> Indexer::clean(size_t at_least) {
  std::vector<std::string> due;
  for (const auto& [partition, count] : dirty_)
    if (count >= at_least) due.push_back(partition);
  for (const std::string& partition : due) {
    CO_TRY_VOID(co_await index_.clean(partition, call_deadline()));
    unmerged().sub(static_cast<int64_t>(std::exchange(dirty_[partition], 0)));
    dirty_.erase(partition);
  }
  co_return Result<void>{};
}

bool Indexer::is_busy() {
  const int64_t now = Clock::now_us();
  if (now - hints_at_us_ >= kRateWindowUs) {
    const std::lock_guard lock(shared_->mutex);
    const double rate = static_cast<double>(shared_->hints - hints_seen_) * 1e6 /
                        static_cast<double>(std::max<int64_t>(now - hints_at_us_, 1));
    hints_busy_ = rate > options_.busy_hints;
    hints_seen_ = shared_->hints;
    hints_at_us_ = now;
  }
  return hints_busy_ || options_.busy();
}

Task<void> Indexer::wait_while_busy(jobs::JobContext& context) {
  const Deadline longest = Deadline::after(options_.longest_wait);
  while (is_busy() && !longest.passed() && !context.stopping())
    co_await sleep_for(kBusyStep, context.token());
}

void Indexer::show_lag() {
  static metrics::Gauge& lag = metrics::gauge("dromos_imapd_index_lag_seconds",
                                              "Age of the oldest message known not to be in the word index.");
  static metrics::Gauge& accounts = metrics::gauge("dromos_imapd_index_pending_accounts",
                                                   "Accounts whose word index is being brought up to date.");
  int64_t oldest = 0, pending = 0;
  for (const Shard& shard : shards_) {
    if (shard.oldest_ms > 0 && (oldest == 0 || shard.oldest_ms < oldest)) oldest = shard.oldest_ms;
    pending += static_cast<int64_t>(shard.accounts);
  }
  lag.set(oldest == 0 ? 0 : std::max<int64_t>(0, (Clock::now_us() / 1000 - oldest) / 1000));
  accounts.set(pending);
}

}  // namespace dromos::imapd
