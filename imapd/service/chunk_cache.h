// ChunkCache: what was made of messages, packed a range of uids a chunk, for the whole process within a byte
// budget; what was used last stays. A chunk has memory() and through() (all up to that uid is in it, or
// gone). Thread-safe: its lock is held for look-ups only, chunks are immutable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/metrics/metrics.h"

namespace dromos::imapd {

template <class Chunk>
class ChunkCache {
 public:
  /// `bytes` shows the memory in use.
  ChunkCache(size_t budget, metrics::Gauge& bytes) : budget_(budget), bytes_(bytes) {}
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
    const auto at = where_.find(key);
    if (at == where_.end()) return nullptr;
    at->second->used_us = Clock::now_us();
    entries_.splice(entries_.begin(), entries_, at->second);
    return at->second->chunk;
  }

  /// What is made from here on knows all that was forgotten before.
  uint64_t moment() const {
    const std::lock_guard lock(mutex_);
    return forgets_;
  }
  static constexpr uint64_t kAlwaysTrue = UINT64_MAX;  // of what is never forgotten
  /// Replaces a chunk that knew less. What would push out one of the same mailbox that is in use (not idle
  /// for `in_use`) is not kept: of a mailbox larger than the budget some chunks stay, rather than each pass
  /// over it pushing out what the next one needs. `made_at`: the moment before it was begun; if it was
  /// forgotten since, it is not taken.
  void put(const Key& key, std::shared_ptr<const Chunk> chunk, microseconds in_use = microseconds(0),
           uint64_t made_at = kAlwaysTrue) {
    Entries dropped;  // dies after the lock
    const std::lock_guard lock(mutex_);
    if (forgotten_since(key, made_at)) return;
    if (const auto at = where_.find(key); at != where_.end()) {
      if (at->second->chunk->through() >= chunk->through()) return;
      drop(at->second, dropped);
    }
    if (memory_ + chunk->memory() > budget_ && !entries_.empty()) {
      const Entry& last = entries_.back();
      if (last.key.account == key.account && last.key.mailbox == key.mailbox &&
          Clock::now_us() - last.used_us < in_use.count())
        return;
    }
    memory_ += chunk->memory();
    entries_.push_front({key, std::move(chunk), Clock::now_us()});
    where_.emplace(key, entries_.begin());
    while (memory_ > budget_ && !entries_.empty()) drop(std::prev(entries_.end()), dropped);
    bytes_.set(static_cast<int64_t>(memory_));
  }

  /// False if `bytes` more would push out what was used less than `idle` ago: then making a chunk is in vain.
  bool has_room(size_t bytes, microseconds idle) const {
    const std::lock_guard lock(mutex_);
    if (memory_ + bytes <= budget_) return true;
    return bytes <= budget_ && !entries_.empty() && Clock::now_us() - entries_.back().used_us >= idle.count();
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
    for (auto at = entries_.begin(); at != entries_.end();)
      if (const auto entry = at++; what.holds(entry->key)) drop(entry, dropped);
    bytes_.set(static_cast<int64_t>(memory_));
  }
  bool forgotten_since(const Key& key, uint64_t made_at) const {
    if (made_at >= forgets_) return false;
    const uint64_t news = forgets_ - made_at;
    if (news > forgotten_.size()) return true;  // nobody remembers
    return std::any_of(forgotten_.end() - static_cast<std::ptrdiff_t>(news), forgotten_.end(),
                       [&key](const Forgotten& what) { return what.holds(key); });
  }

  void drop(typename Entries::iterator entry, Entries& dropped) {
    memory_ -= entry->chunk->memory();
    where_.erase(entry->key);
    dropped.splice(dropped.begin(), entries_, entry);
  }

  const size_t budget_;
  metrics::Gauge& bytes_;
  mutable std::mutex mutex_;
  Entries entries_;  // used last first
  std::unordered_map<Key, typename Entries::iterator, Hash> where_;
  size_t memory_ = 0;
  static constexpr size_t kForgottenKept = 1024;
  std::deque<Forgotten> forgotten_;  // the last ones
  uint64_t forgets_ = 0;
};

}  // namespace dromos::imapd
