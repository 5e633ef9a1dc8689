// ChunkCache: what was made of messages, packed a range of uids a chunk, for the whole process within a byte
// budget. A chunk has memory() and through() (all up to that uid is in it, or gone). What was used a moment
// ago is in use and not pushed out: where more is wanted than fits some chunks stay, rather than each pass
// over a mailbox pushing out what the next one needs. Thread-safe: its lock is held for look-ups only, chunks
// are immutable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/metrics/metrics.h"

namespace dromos::imapd {

template <class Chunk>
class ChunkCache {
 public:
  static constexpr seconds kInUse{60};
  /// `bytes` shows the memory in use.
  ChunkCache(size_t budget, metrics::Gauge& bytes, microseconds in_use = kInUse)
      : budget_(budget), bytes_(bytes), in_use_(in_use) {}
  struct Key {
    AccountId account;
    MailboxId mailbox;
    uint32_t uidvalidity = 0;  // a restore of the database gives uids to other messages
    uint32_t index = 0;
    uint64_t variant = 0;  // where the same messages have chunks of several kinds
    bool operator==(const Key&) const = default;
  };
  /// Null: not here.
  std::shared_ptr<const Chunk> find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto at = place_of(key);
    if (at == entries_.end()) return nullptr;
    use(at);
    return at->chunk;
  }

  /// What is made from here on knows all that was forgotten before.
  uint64_t moment() const {
    const std::lock_guard lock(mutex_);
    return forgets_;
  }
  static constexpr uint64_t kAlwaysTrue = UINT64_MAX;  // of what is never forgotten
  /// Replaces a chunk that knew less, if there is room. `made_at`: the moment before it was begun; if it was
  /// forgotten since, it is not taken.
  void put(const Key& key, std::shared_ptr<const Chunk> chunk, uint64_t made_at = kAlwaysTrue) {
    Entries dropped;  // dies after the lock
    const std::lock_guard lock(mutex_);
    if (forgotten_since(key, made_at)) return;
    const auto old = place_of(key);
    const bool replaces = old != entries_.end();
    if (replaces && old->chunk->through() >= chunk->through()) return;
    const size_t bytes = chunk->memory();
    size_t more = bytes;
    if (replaces) {  // gives its memory, and counts as in use: it is not pushed out for its own successor
      more -= std::min(bytes, old->chunk->memory());
      use(old);
    }
    if (!may_take(more)) return;
    if (replaces) drop(old, dropped);
    while (memory_ + bytes > budget_ && !entries_.empty()) drop(std::prev(entries_.end()), dropped);
    memory_ += bytes;
    entries_.push_front({key, std::move(chunk), Clock::now_us()});
    accounts_[key.account.value].emplace(key, entries_.begin());
    bytes_.set(static_cast<int64_t>(memory_));
  }

  /// Whether a chunk of so many bytes would be taken: else making one is in vain.
  bool has_room(size_t bytes) const {
    const std::lock_guard lock(mutex_);
    return may_take(bytes);
  }
  /// Drops what was not used for `idle`.
  void drop_idle(microseconds idle) {
    Entries dropped;
    const std::lock_guard lock(mutex_);
    while (!entries_.empty() && Clock::now_us() - entries_.back().used_us >= idle.count())
      drop(std::prev(entries_.end()), dropped);
    bytes_.set(static_cast<int64_t>(memory_));
  }
  /// Drops an account's: what they were made of has changed.
  void forget(AccountId account) { forget({account, {}, 0}, true); }
  /// Drops one of a mailbox.
  void forget(AccountId account, MailboxId mailbox, uint32_t index) {
    forget({account, mailbox, index}, false);
  }
  size_t memory() const {
    const std::lock_guard lock(mutex_);
    return memory_;
  }

 private:
  struct Hash {
    size_t operator()(const Key& key) const {
      const auto mailbox = static_cast<uint64_t>(key.mailbox.value);
      return std::hash<uint64_t>()((mailbox << 22 ^ key.index) * 0x9e3779b97f4a7c15 ^
                                   static_cast<uint64_t>(key.account.value) ^
                                   static_cast<uint64_t>(key.uidvalidity) << 32 ^ key.variant);
    }
  };
  struct Entry {
    Key key;
    std::shared_ptr<const Chunk> chunk;
    int64_t used_us = 0;
  };
  using Entries = std::list<Entry>;

  struct Forgotten {
    AccountId account;
    MailboxId mailbox;
    uint32_t index = 0;
    bool all = false;  // of the account
    bool holds(const Key& key) const {
      return key.account == account && (all || (key.mailbox == mailbox && key.index == index));
    }
  };
  void forget(Forgotten what, bool all) {
    Entries dropped;
    what.all = all;
    const std::lock_guard lock(mutex_);
    ++forgets_;
    forgotten_.push_back(what);
    if (forgotten_.size() > kForgottenKept) forgotten_.pop_front();
    const auto account = accounts_.find(what.account.value);
    if (account == accounts_.end()) return;
    std::vector<typename Entries::iterator> held;
    for (const auto& [key, entry] : account->second)
      if (what.holds(key)) held.push_back(entry);
    for (const auto entry : held) drop(entry, dropped);
    bytes_.set(static_cast<int64_t>(memory_));
  }
  bool forgotten_since(const Key& key, uint64_t made_at) const {
    if (made_at >= forgets_) return false;
    const uint64_t news = forgets_ - made_at;
    if (news > forgotten_.size()) return true;  // nobody remembers
    return std::any_of(forgotten_.end() - static_cast<std::ptrdiff_t>(news), forgotten_.end(),
                       [&key](const Forgotten& what) { return what.holds(key); });
  }

  typename Entries::iterator place_of(const Key& key) {
    const auto account = accounts_.find(key.account.value);
    if (account == accounts_.end()) return entries_.end();
    const auto at = account->second.find(key);
    return at == account->second.end() ? entries_.end() : at->second;
  }

  void use(typename Entries::iterator entry) {
    entry->used_us = Clock::now_us();
    entries_.splice(entries_.begin(), entries_, entry);
  }

  /// Whether so many more fit when what is not in use has been pushed out.
  bool may_take(size_t bytes) const {
    const int64_t since = Clock::now_us() - in_use_.count();
    size_t held = memory_;
    for (auto at = entries_.rbegin(); held + bytes > budget_; ++at) {
      if (at == entries_.rend() || at->used_us > since) return false;
      held -= at->chunk->memory();
    }
    return true;
  }

  void drop(typename Entries::iterator entry, Entries& dropped) {
    memory_ -= entry->chunk->memory();
    const auto account = accounts_.find(entry->key.account.value);
    account->second.erase(entry->key);
    if (account->second.empty()) accounts_.erase(account);
    dropped.splice(dropped.begin(), entries_, entry);
  }

  const size_t budget_;
  metrics::Gauge& bytes_;
  const microseconds in_use_;
  mutable std::mutex mutex_;
  Entries entries_;  // used last first
  using Account = std::unordered_map<Key, typename Entries::iterator, Hash>;
  std::unordered_map<int64_t, Account> accounts_;
  size_t memory_ = 0;
  static constexpr size_t kForgottenKept = 1024;
  std::deque<Forgotten> forgotten_;  // the last ones
  uint64_t forgets_ = 0;
};

}  // namespace dromos::imapd
