// ChunkCache: what was made of messages, packed a range of uids a chunk, for the whole process within a byte
// budget; what was used last stays. A chunk has memory() and through() (all up to that uid is in it, or
// gone). Thread-safe: its lock is held for look-ups only, chunks are immutable.
#pragma once

#include <algorithm>
#include <cstdint>
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

  /// Replaces a chunk that knew less. What would push out one of the same mailbox that is in use (not idle
  /// for `in_use`) is not kept: of a mailbox larger than the budget some chunks stay, rather than each pass
  /// over it pushing out what the next one needs.
  void put(const Key& key, std::shared_ptr<const Chunk> chunk, microseconds in_use = microseconds(0)) {
    Entries dropped;  // dies after the lock
    const std::lock_guard lock(mutex_);
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
  void forget(AccountId account) {
    Entries dropped;
    const std::lock_guard lock(mutex_);
    for (auto at = entries_.begin(); at != entries_.end();)
      if (const auto entry = at++; entry->key.account == account) drop(entry, dropped);
    bytes_.set(static_cast<int64_t>(memory_));
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
};

}  // namespace dromos::imapd
