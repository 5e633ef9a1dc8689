// Limits: connections per address and sessions per account, of the whole process. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/base/ids.h"

namespace dromos::imapd {

template <class Key>
class CountLimit {
 public:
  explicit CountLimit(uint32_t limit) : limit_(limit) {}
  bool take(const Key& key) {
    const std::lock_guard lock(mutex_);
    uint32_t& count = counts_[key];
    if (count >= limit_) {
      if (count == 0) counts_.erase(key);
      return false;
    }
    ++count;
    return true;
  }
  void give_back(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto at = counts_.find(key);
    if (at != counts_.end() && --at->second == 0) counts_.erase(at);
  }

 private:
  const uint32_t limit_;
  std::mutex mutex_;
  std::unordered_map<Key, uint32_t> counts_;
};

struct Limits {
  Limits(uint32_t per_ip, uint32_t per_account) : by_ip(per_ip), by_account(per_account) {}
  CountLimit<std::string> by_ip;
  CountLimit<AccountId> by_account;
};

}  // namespace dromos::imapd
