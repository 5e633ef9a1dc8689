// ConnectionTable: how many connections there are, in all and by address. Thread-safe; one for the process.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

namespace dromos::mta {

class ConnectionTable {
 public:
  ConnectionTable(size_t total, size_t per_ip) : total_(total), per_ip_(per_ip) {}

  /// Counted out when destroyed.
  class [[nodiscard]] Slot {
   public:
    Slot() = default;
    Slot(ConnectionTable* table, std::string ip) : table_(table), ip_(std::move(ip)) {}
    Slot(Slot&& other) noexcept : table_(std::exchange(other.table_, nullptr)), ip_(std::move(other.ip_)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (table_ != nullptr) table_->leave(ip_);
    }
    explicit operator bool() const { return table_ != nullptr; }

   private:
    ConnectionTable* table_ = nullptr;
    std::string ip_;
  };

  /// An empty slot if a limit is reached. `ip` empty (a Unix socket) counts in the total only.
  Slot enter(std::string ip) {
    const std::lock_guard lock(mutex_);
    if (count_ >= total_) return {};
    if (!ip.empty()) {
      size_t& here = by_ip_[ip];
      if (here >= per_ip_) return {};
      ++here;
    }
    ++count_;
    return Slot(this, std::move(ip));
  }

 private:
  void leave(const std::string& ip) {
    const std::lock_guard lock(mutex_);
    --count_;
    const auto found = by_ip_.find(ip);
    if (found != by_ip_.end() && --found->second == 0) by_ip_.erase(found);
  }

  const size_t total_;
  const size_t per_ip_;
  std::mutex mutex_;
  size_t count_ = 0;
  std::unordered_map<std::string, size_t> by_ip_;
};

}  // namespace dromos::mta
