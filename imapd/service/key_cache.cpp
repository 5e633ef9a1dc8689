#include "imapd/service/key_cache.h"

#include "common/metrics/metrics.h"

namespace dromos::imapd {

std::shared_ptr<const KeyChunk> KeyCache::find(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto at = where_.find(key);
  if (at == where_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->chunk;
}

void KeyCache::put(const Key& key, std::shared_ptr<const KeyChunk> chunk) {
  const size_t size = chunk->memory();
  std::list<Entry> dropped;  // dies after the lock
  const std::lock_guard lock(mutex_);
  if (const auto at = where_.find(key); at != where_.end()) {
    if (at->second->chunk->through() >= chunk->through()) return;
    memory_ -= at->second->chunk->memory();
    dropped.splice(dropped.begin(), entries_, at->second);
    where_.erase(at);
  }
  entries_.push_front({key, std::move(chunk)});
  where_.emplace(key, entries_.begin());
  memory_ += size;
  while (memory_ > budget_ && !entries_.empty()) {
    memory_ -= entries_.back().chunk->memory();
    where_.erase(entries_.back().key);
    dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }
  static metrics::Gauge& bytes =
      metrics::gauge("dromos_imapd_message_keys_bytes", "Memory of keys for SORT, THREAD and SEARCH.");
  bytes.set(static_cast<int64_t>(memory_));
}

size_t KeyCache::memory() const {
  const std::lock_guard lock(mutex_);
  return memory_;
}

}  // namespace dromos::imapd
