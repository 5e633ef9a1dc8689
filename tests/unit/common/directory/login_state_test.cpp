#include "common/directory/login_state.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <thread>

#include "common/async/offload.h"
#include "common/directory/recipient_cache.h"

using namespace dromos;
using namespace dromos::directory;

namespace {

const VerifiedLogins::TimePoint kStart{std::chrono::hours(1000)};

struct Load {
  HashGate gate;
  int running = 0;
  int most = 0;
  int done = 0;
  int refused = 0;
};

Task<void> work(Load& load) {
  const bool granted = co_await load.gate.acquire();
  if (!granted) {
    ++load.refused;
    co_return;
  }
  load.most = std::max(load.most, ++load.running);
  co_await offload([] { std::this_thread::yield(); });
  --load.running;
  ++load.done;
  load.gate.release();
}

RecipientResolution to_account(int64_t id) {
  return {{Recipient{AccountId{id}, "a@example.test", ""}}, Reject::none};
}

}  // namespace

TEST_CASE("a verified login is remembered for its account, epoch, hash and password", "[unit][directory]") {
  VerifiedLogins logins;
  logins.add(AccountId{7}, 3, "$hash", "secret", kStart);
  CHECK(logins.contains(AccountId{7}, 3, "$hash", "secret", kStart));
  CHECK_FALSE(logins.contains(AccountId{7}, 3, "$hash", "Secret", kStart));
  CHECK_FALSE(logins.contains(AccountId{7}, 4, "$hash", "secret", kStart));
  CHECK_FALSE(logins.contains(AccountId{7}, 3, "$other", "secret", kStart));
  CHECK_FALSE(logins.contains(AccountId{8}, 3, "$hash", "secret", kStart));
  CHECK_FALSE(logins.contains(AccountId{7}, 3, "$has", "hsecret", kStart));
  CHECK_FALSE(logins.contains(AccountId{7}, 3, "$hash", "secret", kStart + VerifiedLogins::kLifetime));
}

TEST_CASE("two hashes run at once, the others wait, too many are refused", "[unit][directory]") {
  Load load;
  run_blocking([](Load& l) -> Task<void> {
    TaskGroup group;
    for (size_t i = 0; i < HashGate::kMaxWaiting + 50; ++i) group.spawn(work(l));
    co_await group.join();
  }(load));
  CHECK(load.most == static_cast<int>(HashGate::kConcurrent));
  CHECK(load.refused == 48);
  CHECK(load.done == static_cast<int>(HashGate::kMaxWaiting) + 2);
  CHECK(load.gate.waiting() == 0);
}

TEST_CASE("the map forgets what was not touched for longest", "[unit][directory]") {
  LruMap<int, int> map(3);
  for (int i = 1; i <= 3; ++i) map[i] = i * 10;
  REQUIRE(map.find(1) != nullptr);
  map[4] = 40;
  CHECK(map.size() == 3);
  CHECK(map.find(2) == nullptr);
  CHECK(*map.find(1) == 10);
  map.erase(1);
  CHECK(map.find(1) == nullptr);
}

TEST_CASE("cached recipients die with their time or their epoch", "[unit][directory]") {
  RecipientCache cache;
  cache.put("a", "example.test", 5, to_account(1), kStart);
  cache.put_domain("example.test", 5, kStart);
  REQUIRE(cache.find("a", "example.test", kStart) != nullptr);
  CHECK(cache.find("a", "example.test", kStart)->targets[0].account == AccountId{1});
  CHECK(cache.find("b", "example.test", kStart) == nullptr);
  CHECK(cache.knows_domain("example.test", kStart));
  CHECK(cache.find("a", "example.test", kStart + RecipientCache::kTtl) == nullptr);
  cache.note_epoch(5);
  CHECK(cache.find("a", "example.test", kStart) != nullptr);
  cache.note_epoch(6);
  CHECK(cache.find("a", "example.test", kStart) == nullptr);
  CHECK_FALSE(cache.knows_domain("example.test", kStart));
  // An answer read before the change arrives after it.
  cache.put("a", "example.test", 5, to_account(1), kStart);
  CHECK(cache.find("a", "example.test", kStart) == nullptr);
  cache.put("gone", "example.test", 6, RecipientResolution{{}, Reject::unknown}, kStart);
  CHECK(cache.find("gone", "example.test", kStart) == nullptr);
}

TEST_CASE("the recipient cache is bounded", "[unit][directory]") {
  RecipientCache cache;
  for (size_t i = 0; i < RecipientCache::kMaxRecipients + 100; ++i)
    cache.put("u" + std::to_string(i), "example.test", 1, to_account(1), kStart);
  CHECK(cache.size() == RecipientCache::kMaxRecipients);
}
