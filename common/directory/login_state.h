// What the logins of one process share across its reactors: remembered verifications, the throttle, and the
// gate that lets at most two password hashes run at once (19 MiB each). Thread-safe.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "common/async/offload.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/directory/errc.h"
#include "common/directory/login_throttle.h"
#include "common/directory/lru_map.h"

namespace dromos::directory {

/// Remembers that a password was right for ten minutes, as an HMAC under a key of this process. A changed
/// account epoch or stored hash never matches.
class VerifiedLogins {
 public:
  using TimePoint = Deadline::TimePoint;
  static constexpr seconds kLifetime{600};
  static constexpr size_t kMaxEntries = 16384;

  VerifiedLogins();
  bool contains(AccountId account, int64_t epoch, std::string_view stored_hash, std::string_view password,
                TimePoint now);
  void add(AccountId account, int64_t epoch, std::string_view stored_hash, std::string_view password,
           TimePoint now);

 private:
  std::string mac(AccountId account, int64_t epoch, std::string_view stored_hash,
                  std::string_view password) const;
  struct Entry {
    std::string mac;
    TimePoint expires;
  };
  const std::string key_;
  std::mutex mutex_;
  LruMap<AccountId, Entry> entries_;
};

/// Counted gate across reactors. co_await acquire() is false if too many wait already; release() once a true
/// one is done.
class HashGate {
 public:
  static constexpr size_t kConcurrent = 2;
  static constexpr size_t kMaxWaiting = 200;  // about three seconds of hashing

  struct Acquire {
    HashGate& gate;
    bool granted = true;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> handle);
    bool await_resume() const noexcept { return granted; }
  };
  Acquire acquire() { return Acquire{*this}; }
  void release();
  size_t waiting();
  /// `fn`, which owns all it needs, off the reactor and in its turn; Errc::busy if too many wait already.
  template <class F>
  Task<Result<std::invoke_result_t<F>>> run(F fn) {
    const bool granted = co_await acquire();
    if (!granted) co_return fail(Errc::busy, "too many password hashes at once", Retry::temporary);
    const Releaser releaser{*this};
    auto work = offload(std::move(fn));
    auto done = co_await std::move(work);
    co_return std::move(done);
  }

 private:
  struct Releaser {
    HashGate& gate;
    ~Releaser() { gate.release(); }
  };
  struct Waiter {
    Reactor* reactor;
    std::coroutine_handle<> handle;
  };
  std::mutex mutex_;
  size_t running_ = 0;
  std::deque<Waiter> waiters_;
};

class LoginState {
 public:
  VerifiedLogins verified;
  LoginThrottle throttle;
  HashGate gate;
  /// Passwords hashed to judge a login.
  std::atomic<uint64_t> hashed = 0;

 private:
  friend class UpgradeTurn;
  std::mutex mutex_;
  std::set<AccountId> upgrading_;
};

/// While it lives, its account's stored password is being improved; `ours()` is false if somebody else is at
/// it.
class UpgradeTurn {
 public:
  UpgradeTurn(LoginState& state, AccountId account);
  ~UpgradeTurn();
  UpgradeTurn(const UpgradeTurn&) = delete;
  UpgradeTurn& operator=(const UpgradeTurn&) = delete;
  bool ours() const { return ours_; }

 private:
  LoginState& state_;
  const AccountId account_;
  bool ours_;
};

}  // namespace dromos::directory
