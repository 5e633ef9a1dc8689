#include "common/directory/login_throttle.h"

#include <catch2/catch.hpp>

using namespace dromos;
using namespace dromos::directory;

namespace {
const LoginThrottle::TimePoint kStart{std::chrono::hours(1000)};
const std::string kOwner = "198.51.100.7";
const std::string kAttacker = "203.0.113.9";
}  // namespace

TEST_CASE("remote addresses are counted by network", "[unit][directory]") {
  CHECK(remote_prefix("192.0.2.77") == "192.0.2.0/24");
  CHECK(remote_prefix("::ffff:192.0.2.77") == "192.0.2.0/24");
  CHECK(remote_prefix("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(remote_prefix("2001:db8:1:2::9") == "2001:db8:1:2::/64");
  CHECK(remote_prefix("unix") == "unix");
  CHECK(remote_prefix(std::string(10000, 'x')).size() == 64);
}

TEST_CASE("a few slips cost nothing, guessing costs ever more", "[unit][directory]") {
  LoginThrottle throttle;
  for (int i = 0; i < LoginThrottle::kFreePairFailures; ++i) throttle.failed(kOwner, "alice", kStart);
  CHECK(throttle.admit(kOwner, "alice", kStart).delay.count() == 0);
  throttle.failed(kOwner, "alice", kStart);
  const auto first = throttle.admit(kOwner, "alice", kStart).delay;
  CHECK(first == milliseconds(1000));
  throttle.failed(kOwner, "alice", kStart + seconds(1));
  CHECK(throttle.admit(kOwner, "alice", kStart + seconds(2)).delay > first);
}

TEST_CASE("parallel guesses wait for one another and then are refused", "[unit][directory]") {
  LoginThrottle throttle;
  for (int i = 0; i < 6; ++i) throttle.failed(kAttacker, "alice", kStart);
  milliseconds last{0};
  int admitted = 0;
  while (admitted < 1000) {
    const auto admission = throttle.admit(kAttacker, "alice", kStart);
    if (admission.refused) break;
    CHECK(admission.delay > last);
    last = admission.delay;
    ++admitted;
  }
  CHECK(admitted > 0);
  CHECK(admitted < 100);
  CHECK(last <= 2 * LoginThrottle::kMaxPairDelay);
}

TEST_CASE("an attacker cannot lock the owner out who comes from elsewhere", "[unit][directory]") {
  LoginThrottle throttle;
  throttle.succeeded(kOwner, "alice", kStart);
  for (int net = 0; net < 250; ++net)
    for (int i = 0; i < 100; ++i) throttle.failed("203.0." + std::to_string(net) + ".1", "alice", kStart);
  CHECK(throttle.account_failures("alice", kStart) > 20000);
  const auto owner = throttle.admit(kOwner, "alice", kStart);
  CHECK_FALSE(owner.refused);
  CHECK(owner.delay.count() == 0);
  // From a network never seen before: slower, never refused.
  const auto travelling = throttle.admit("192.0.2.1", "alice", kStart);
  CHECK_FALSE(travelling.refused);
  CHECK(travelling.delay <= LoginThrottle::kMaxAccountDelay);
}

TEST_CASE("spraying many accounts from one network is slowed", "[unit][directory]") {
  LoginThrottle throttle;
  for (int i = 0; i < 200; ++i) throttle.failed(kAttacker, "user" + std::to_string(i), kStart);
  const auto admission = throttle.admit(kAttacker, "fresh", kStart);
  CHECK(admission.delay == LoginThrottle::kMaxPrefixDelay);
  CHECK(throttle.admit(kOwner, "fresh", kStart).delay.count() == 0);
}

TEST_CASE("failures fade and success forgives the pair", "[unit][directory]") {
  LoginThrottle throttle;
  for (int i = 0; i < 8; ++i) throttle.failed(kOwner, "alice", kStart);
  CHECK(throttle.admit(kOwner, "ALICE", kStart).delay.count() > 0);
  CHECK(throttle.admit(kOwner, "alice", kStart + 4 * LoginThrottle::kHalfLife).delay.count() == 0);
  for (int i = 0; i < 8; ++i) throttle.failed(kOwner, "alice", kStart);
  throttle.succeeded(kOwner, "alice", kStart);
  CHECK(throttle.admit(kOwner, "alice", kStart).delay.count() == 0);
}
