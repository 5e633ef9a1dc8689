#include "common/directory/login_throttle.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/strings.h"

namespace dromos::directory {

namespace {

std::string pair_key(const std::string& prefix, std::string_view login) {
  return prefix + " " + to_lower(login.substr(0, 320));
}

/// 1 s, 2 s, 4 s ... from the first failure beyond the free ones.
milliseconds doubling(double over, milliseconds most) {
  if (over <= 0) return milliseconds(0);
  const double ms = 1000.0 * std::pow(2.0, std::min(over - 1, 20.0));
  return std::min(most, milliseconds(static_cast<int64_t>(ms)));
}

}  // namespace

std::string remote_prefix(std::string_view remote) {
  const std::string text(remote.substr(0, 64));
  std::array<unsigned char, 16> bytes{};
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    bytes[3] = 0;
    inet_ntop(AF_INET, bytes.data(), out.data(), out.size());
    return std::string(out.data()) + "/24";
  }
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
    constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
      bytes[15] = 0;
      inet_ntop(AF_INET, bytes.data() + 12, out.data(), out.size());
      return std::string(out.data()) + "/24";
    }
    std::fill(bytes.begin() + 8, bytes.end(), 0);
    inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
    return std::string(out.data()) + "/64";
  }
  return text;
}

double LoginThrottle::Count::decayed(TimePoint now) const {
  if (failures == 0 || now <= at) return failures;
  const double halves =
      std::chrono::duration<double>(now - at).count() / static_cast<double>(kHalfLife.count());
  return failures * std::exp2(-halves);
}

void LoginThrottle::Count::add(TimePoint now) {
  failures = std::min(decayed(now) + 1, 1e6);
  at = now;
}

LoginThrottle::Admission LoginThrottle::admit(std::string_view remote, std::string_view login,
                                              TimePoint now) {
  const std::string prefix = remote_prefix(remote);
  const std::string pair = pair_key(prefix, login);
  const std::lock_guard lock(mutex_);
  Admission admission;
  if (Count* count = pairs_.find(pair)) {
    const milliseconds step = doubling(count->decayed(now) - kFreePairFailures, kMaxPairDelay);
    if (step.count() > 0) {
      // One after the other: parallel connections would otherwise all wait the same delay.
      const TimePoint turn = std::max(now, count->next) + step;
      const auto wait = std::chrono::duration_cast<milliseconds>(turn - now);
      if (wait > 2 * kMaxPairDelay) return {.refused = true};
      count->next = turn;
      admission.delay = wait;
    }
  }
  if (const Count* count = prefixes_.find(prefix)) {
    const double over = count->decayed(now) - kFreePrefixFailures;
    if (over > 0)
      admission.delay = std::max(admission.delay,
                                 std::min(kMaxPrefixDelay, milliseconds(static_cast<int64_t>(over * 250))));
  }
  if (const Count* count = accounts_.find(pair_key("", login));
      count != nullptr && known_.find(pair) == nullptr)
    admission.delay =
        std::max(admission.delay, doubling(count->decayed(now) - kFreeAccountFailures, kMaxAccountDelay));
  return admission;
}

void LoginThrottle::failed(std::string_view remote, std::string_view login, TimePoint now) {
  const std::string prefix = remote_prefix(remote);
  const std::lock_guard lock(mutex_);
  pairs_[pair_key(prefix, login)].add(now);
  prefixes_[prefix].add(now);
  accounts_[pair_key("", login)].add(now);
}

void LoginThrottle::succeeded(std::string_view remote, std::string_view login, TimePoint now) {
  const std::string pair = pair_key(remote_prefix(remote), login);
  const std::lock_guard lock(mutex_);
  pairs_.erase(pair);
  known_[pair] = true;
}

double LoginThrottle::account_failures(std::string_view login, TimePoint now) {
  const std::lock_guard lock(mutex_);
  const Count* count = accounts_.find(pair_key("", login));
  return count == nullptr ? 0 : count->decayed(now);
}

}  // namespace dromos::directory
