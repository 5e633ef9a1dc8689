#include "imapd/service/chunk_cache.h"

#include <catch2/catch.hpp>

namespace dromos::imapd {
namespace {

struct Chunk {
  uint32_t last = 0;
  size_t memory() const { return 100; }
  uint32_t through() const { return last; }
};
using Cache = ChunkCache<Chunk>;
constexpr microseconds kNone{0};

std::shared_ptr<const Chunk> chunk(uint32_t last) {
  return std::make_shared<const Chunk>(Chunk{last});
}

metrics::Gauge& gauge() {
  static metrics::Gauge& one = metrics::gauge("dromos_imapd_test_chunks_bytes", "Of a test.");
  return one;
}

Cache::Key key(int64_t account, int64_t mailbox, uint32_t index) {
  return {{account}, {mailbox}, 1, index};
}

}  // namespace

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
  cache.put(key(1, 1, 0), chunk(9), kNone, before);
  CHECK(cache.find(key(1, 1, 0)) == nullptr);
  cache.put(key(1, 1, 1), chunk(9), kNone, before);  // another chunk
  CHECK(cache.find(key(1, 1, 1)) != nullptr);
  cache.put(key(1, 1, 0), chunk(9), kNone, cache.moment());
  CHECK(cache.find(key(1, 1, 0)) != nullptr);
  cache.forget({2});
  cache.put(key(2, 5, 7), chunk(9), kNone, before);
  CHECK(cache.find(key(2, 5, 7)) == nullptr);
}

TEST_CASE("After more forgetting than is remembered nothing older is taken", "[unit][imapd]") {
  Cache cache(10'000, gauge());
  const uint64_t before = cache.moment();
  for (int64_t account = 0; account < 2000; ++account) cache.forget({account + 100});
  cache.put(key(1, 1, 0), chunk(9), kNone, before);
  CHECK(cache.find(key(1, 1, 0)) == nullptr);
  cache.put(key(1, 1, 0), chunk(9), kNone, cache.moment() - 1);
  CHECK(cache.find(key(1, 1, 0)) != nullptr);
}

}  // namespace dromos::imapd
