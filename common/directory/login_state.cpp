#include "common/directory/login_state.h"

#include "common/async/reactor.h"
#include "common/crypto/crypto.h"

namespace dromos::directory {

VerifiedLogins::VerifiedLogins() : key_(crypto::random_bytes(32)), entries_(kMaxEntries) {}

std::string VerifiedLogins::mac(AccountId account, int64_t epoch, std::string_view stored_hash,
                                std::string_view password) const {
  std::string text = std::to_string(account.value) + " " + std::to_string(epoch) + " " +
                     std::to_string(stored_hash.size()) + " ";
  text += stored_hash;
  text += password;
  return crypto::hmac_sha256(key_, text);
}

bool VerifiedLogins::contains(AccountId account, int64_t epoch, std::string_view stored_hash,
                              std::string_view password, TimePoint now) {
  const std::string expected = mac(account, epoch, stored_hash, password);
  const std::lock_guard lock(mutex_);
  const Entry* entry = entries_.find(account);
  return entry != nullptr && now < entry->expires && crypto::constant_time_equal(entry->mac, expected);
}

void VerifiedLogins::add(AccountId account, int64_t epoch, std::string_view stored_hash,
                         std::string_view password, TimePoint now) {
  std::string made = mac(account, epoch, stored_hash, password);
  const std::lock_guard lock(mutex_);
  entries_[account] = Entry{std::move(made), now + kLifetime};
}

bool HashGate::Acquire::await_suspend(std::coroutine_handle<> handle) {
  const std::lock_guard lock(gate.mutex_);
  if (gate.running_ < kConcurrent) {
    ++gate.running_;
    return false;
  }
  if (gate.waiters_.size() >= kMaxWaiting) {
    granted = false;
    return false;
  }
  gate.waiters_.push_back({&Reactor::current(), handle});
  return true;
}

void HashGate::release() {
  Waiter next;
  {
    const std::lock_guard lock(mutex_);
    if (waiters_.empty()) {
      --running_;
      return;
    }
    next = waiters_.front();
    waiters_.pop_front();
  }
  next.reactor->post([next] { next.reactor->schedule(next.handle); });
}

UpgradeTurn::UpgradeTurn(LoginState& state, AccountId account) : state_(state), account_(account) {
  const std::lock_guard lock(state_.mutex_);
  ours_ = state_.upgrading_.insert(account_).second;
}

UpgradeTurn::~UpgradeTurn() {
  const std::lock_guard lock(state_.mutex_);
  if (ours_) state_.upgrading_.erase(account_);
}

size_t HashGate::waiting() {
  const std::lock_guard lock(mutex_);
  return waiters_.size();
}

}  // namespace dromos::directory
