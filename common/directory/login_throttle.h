// Slows down guessing without giving an attacker a way to lock an owner out.
//
// Three counts of failures, each halved every ten minutes: for (remote prefix, account), which delays most
// and lets attempts through one after the other; for the prefix alone (spraying), a few seconds at most; for
// the account alone (a botnet), a few seconds and only for prefixes the account never logged in from. So an
// owner who comes from elsewhere waits three seconds at worst. Bounded memory. Thread-safe; time is passed
// in.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/directory/lru_map.h"

namespace dromos::directory {

/// "192.0.2.0/24", "2001:db8:1:2::/64"; anything that is no address is its own prefix.
std::string remote_prefix(std::string_view remote);

class LoginThrottle {
 public:
  using TimePoint = Deadline::TimePoint;
  static constexpr size_t kMaxEntries = 65536;
  static constexpr int kFreePairFailures = 3;
  static constexpr int kFreePrefixFailures = 20;
  static constexpr int kFreeAccountFailures = 50;
  static constexpr milliseconds kMaxPairDelay{30000};
  static constexpr milliseconds kMaxPrefixDelay{5000};
  static constexpr milliseconds kMaxAccountDelay{3000};
  static constexpr seconds kHalfLife{600};

  struct Admission {
    bool refused = false;   // the queue for this pair is full: answer "try later" at once
    milliseconds delay{0};  // wait so long before looking at the secret
  };

  LoginThrottle()
      : pairs_(kMaxEntries), prefixes_(kMaxEntries), accounts_(kMaxEntries), known_(kMaxEntries) {}

  Admission admit(std::string_view remote, std::string_view login, TimePoint now);
  void failed(std::string_view remote, std::string_view login, TimePoint now);
  void succeeded(std::string_view remote, std::string_view login, TimePoint now);
  /// Failures counted for an account from everywhere, decayed (for metrics and alerts).
  double account_failures(std::string_view login, TimePoint now);

 private:
  struct Count {
    double failures = 0;
    TimePoint at{};
    TimePoint next{};  // when the next attempt may pass
    double decayed(TimePoint now) const;
    void add(TimePoint now);
  };
  std::mutex mutex_;
  LruMap<std::string, Count> pairs_;
  LruMap<std::string, Count> prefixes_;
  LruMap<std::string, Count> accounts_;
  LruMap<std::string, bool> known_;
};

}  // namespace dromos::directory
