// KeyCache: message keys of the process, chunk by chunk, within a byte budget; what was used last stays.
// Thread-safe: its lock is held for look-ups only, chunks are immutable.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "common/base/ids.h"
#include "imapd/service/message_keys.h"

namespace dromos::imapd {

class KeyCache {
 public:
  explicit KeyCache(size_t budget) : budget_(budget) {}
  struct Key {
    AccountId account;
    MailboxId mailbox;
    uint32_t uidvalidity = 0;  // a restore of the database gives uids to other messages
    uint32_t index = 0;
    bool operator==(const Key&) const = default;
  };
  /// Null: not here.
  std::shared_ptr<const KeyChunk> find(const Key& key);
  /// Replaces a chunk that knew less.
  void put(const Key& key, std::shared_ptr<const KeyChunk> chunk);
  size_t memory() const;

 private:
  struct Hash {
    size_t operator()(const Key& key) const {
      const auto mailbox = static_cast<uint64_t>(key.mailbox.value);
      return std::hash<uint64_t>()((mailbox << 22 ^ key.index) * 0x9e3779b97f4a7c15 ^
                                   static_cast<uint64_t>(key.account.value) ^
                                   static_cast<uint64_t>(key.uidvalidity) << 32);
    }
  };
  struct Entry {
    Key key;
    std::shared_ptr<const KeyChunk> chunk;
  };

  const size_t budget_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // used last first
  std::unordered_map<Key, std::list<Entry>::iterator, Hash> where_;
  size_t memory_ = 0;
};

}  // namespace dromos::imapd
