#include "imapd/service/chunk_cache.h"

#include <catch2/catch.hpp>

namespace dromos::imapd {
namespace {

struct Chunk {
  uint32_t last = 0;
  size_t bytes = 100;
  size_t memory() const { return bytes; }
  uint32_t through() const { return last; }
};
using Cache = ChunkCache<Chunk>;

std::shared_ptr<const Chunk> chunk(uint32_t last, size_t bytes = 100) {
  return std::make_shared<const Chunk>(Chunk{last, bytes});
}

metrics::Gauge& gauge() {
  static metrics::Gauge& one = metrics::gauge("dromos_imapd_test_chunks_bytes", "Of a test.");
  return one;
}

Cache::Key key(int64_t account, int64_t mailbox, uint32_t index) {
  return {{account}, {mailbox}, 1, index};
}

/// The clock stands where it is told to.
struct At {
  explicit At(seconds since) { Clock::set_for_test(1'700'000'000'000'000 + microseconds(since).count()); }
  At(const At&) = delete;
  At& operator=(const At&) = delete;
  ~At() { Clock::set_for_test(0); }
};

}  // namespace

TEST_CASE("What is in use is pushed out by nobody, what is idle by anybody", "[unit][imapd]") {
  Cache cache(300, gauge());
  const At start(seconds(0));
  for (uint32_t index : {0u, 1u, 2u}) cache.put(key(1, 1, index), chunk(9));
  CHECK_FALSE(cache.has_room(1));
  cache.put(key(1, 1, 3), chunk(9));
  cache.put(key(2, 5, 0), chunk(9));
  CHECK(cache.find(key(1, 1, 3)) == nullptr);
  CHECK(cache.find(key(2, 5, 0)) == nullptr);
  CHECK(cache.memory() == 300);
  {
    const At soon(seconds(59));
    CHECK(cache.find(key(1, 1, 0)) != nullptr);  // used again
    CHECK_FALSE(cache.has_room(1));
  }
  const At later(seconds(60));
  CHECK(cache.has_room(200));
  CHECK_FALSE(cache.has_room(201));  // one of the three is in use
  CHECK_FALSE(cache.has_room(301));
  cache.put(key(2, 5, 0), chunk(9));
  CHECK(cache.find(key(2, 5, 0)) != nullptr);
  CHECK(cache.find(key(1, 1, 0)) != nullptr);
  CHECK(cache.find(key(1, 1, 1)) == nullptr);  // used longest ago
  CHECK(cache.find(key(1, 1, 2)) != nullptr);
  CHECK(cache.memory() == 300);
}

TEST_CASE("Room is told as a chunk is taken", "[unit][imapd]") {
  for (size_t bytes : {1u, 100u, 150u, 199u, 200u, 201u, 300u, 301u})
    for (int idle : {0, 1, 2, 3}) {
      Cache cache(300, gauge());
      const At start(seconds(0));
      for (uint32_t index : {0u, 1u}) cache.put(key(1, 1, index), chunk(9));
      const At later(seconds(60));
      for (uint32_t index : {0u, 1u})
        if (static_cast<int>(index) >= idle) CHECK(cache.find(key(1, 1, index)) != nullptr);
      CAPTURE(bytes, idle);
      const bool room = cache.has_room(bytes);
      CHECK(room == (bytes <= 100 + 100 * static_cast<size_t>(std::min(idle, 2))));
      cache.put(key(2, 1, 0), chunk(9, bytes));
      CHECK(room == (cache.find(key(2, 1, 0)) != nullptr));
      CHECK(cache.memory() <= 300);
    }
}

TEST_CASE("A chunk that knows more takes the place of one that knew less", "[unit][imapd]") {
  Cache cache(300, gauge());
  cache.put(key(1, 1, 0), chunk(9));
  cache.put(key(1, 1, 1), chunk(9));
  cache.put(key(1, 1, 0), chunk(12, 200));
  REQUIRE(cache.find(key(1, 1, 0)) != nullptr);
  CHECK(cache.find(key(1, 1, 0))->last == 12);
  CHECK(cache.memory() == 300);
  cache.put(key(1, 1, 0), chunk(11, 10));  // knows less
  CHECK(cache.find(key(1, 1, 0))->last == 12);
  cache.put(key(1, 1, 0), chunk(15, 201));  // no room: the old one stays
  REQUIRE(cache.find(key(1, 1, 0)) != nullptr);
  CHECK(cache.find(key(1, 1, 0))->last == 12);
  cache.put(key(1, 1, 0), chunk(16, 50));
  CHECK(cache.find(key(1, 1, 0))->last == 16);
  CHECK(cache.memory() == 150);
}

TEST_CASE("A chunk is not pushed out to make room for its successor beside others in use", "[unit][imapd]") {
  Cache cache(300, gauge());
  const At start(seconds(0));
  for (uint32_t index : {0u, 1u, 2u}) cache.put(key(1, 1, index), chunk(9));
  const At later(seconds(60));
  for (uint32_t index : {1u, 2u}) CHECK(cache.find(key(1, 1, index)) != nullptr);
  cache.put(key(1, 1, 0), chunk(12, 150));
  for (uint32_t index : {0u, 1u, 2u}) CHECK(cache.find(key(1, 1, index)) != nullptr);
  CHECK(cache.find(key(1, 1, 0))->last == 9);
}

TEST_CASE("Forgetting takes the chunks meant and no others", "[unit][imapd]") {
  Cache cache(10'000, gauge());
  for (int64_t account : {1, 2})
    for (int64_t mailbox : {1, 2})
      for (uint32_t index : {0u, 1u}) cache.put(key(account, mailbox, index), chunk(9));
  cache.forget({1}, {2}, 1);
  CHECK(cache.find(key(1, 2, 1)) == nullptr);
  CHECK(cache.find(key(1, 2, 0)) != nullptr);
  CHECK(cache.find(key(2, 2, 1)) != nullptr);
  cache.forget({1});
  CHECK(cache.find(key(1, 1, 0)) == nullptr);
  CHECK(cache.find(key(2, 1, 0)) != nullptr);
  CHECK(cache.memory() == 400);
}

TEST_CASE("What was made before something was forgotten is not taken", "[unit][imapd]") {
  Cache cache(10'000, gauge());
  const uint64_t before = cache.moment();
  cache.forget({1}, {1}, 0);
  cache.put(key(1, 1, 0), chunk(9), before);
  CHECK(cache.find(key(1, 1, 0)) == nullptr);
  cache.put(key(1, 1, 1), chunk(9), before);  // another chunk
  CHECK(cache.find(key(1, 1, 1)) != nullptr);
  cache.put(key(1, 1, 0), chunk(9), cache.moment());
  CHECK(cache.find(key(1, 1, 0)) != nullptr);
  cache.forget({2});
  cache.put(key(2, 5, 7), chunk(9), before);
  CHECK(cache.find(key(2, 5, 7)) == nullptr);
}

TEST_CASE("After more forgetting than is remembered nothing older is taken", "[unit][imapd]") {
  Cache cache(10'000, gauge());
  const uint64_t before = cache.moment();
  for (int64_t account = 0; account < 2000; ++account) cache.forget({account + 100});
  cache.put(key(1, 1, 0), chunk(9), before);
  CHECK(cache.find(key(1, 1, 0)) == nullptr);
  cache.put(key(1, 1, 0), chunk(9), cache.moment() - 1);
  CHECK(cache.find(key(1, 1, 0)) != nullptr);
}

}  // namespace dromos::imapd
