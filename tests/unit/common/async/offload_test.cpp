#include "common/async/offload.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

namespace dromos {
namespace {

/// Work that stays until it is let go.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  int most = 0;
  int left = 0;
  bool open = false;
  void pass() {
    std::unique_lock lock(mutex);
    most = std::max(most, ++inside);
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    --inside;
    ++left;
    changed.notify_all();
  }
  template <class Check>
  bool until(Check check) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::minutes(1), check);
  }
};

}  // namespace

TEST_CASE("A pool works on as many things at once as it has threads", "[unit][async]") {
  Gate gate;
  {
    BlockingPool pool(3);
    for (int i = 0; i < 10; ++i) pool.submit([&] { gate.pass(); });
    REQUIRE(gate.until([&] { return gate.inside == 3; }));
    {
      const std::lock_guard lock(gate.mutex);
      gate.open = true;
    }
    gate.changed.notify_all();
    REQUIRE(gate.until([&] { return gate.left == 10; }));
  }
  REQUIRE(gate.most == 3);
}

TEST_CASE("A pool that ends finishes what it was given", "[unit][async]") {
  int done = 0;
  {
    BlockingPool pool(1);
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++done; });
  }
  REQUIRE(done == 100);
}

}  // namespace dromos
