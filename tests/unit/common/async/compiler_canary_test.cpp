// Proves compiler, flags and Task together: coroutine patterns that one compiler or another has miscompiled
// (docs/STYLE.md, coroutine hazards). Canary checks its own address on every move, so a bit-copied frame
// shows.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>

#include "common/async/task_group.h"

using namespace dromos;
using namespace std::chrono_literals;

namespace {

struct Canary {
  static inline int live = 0;
  const Canary* self;
  int value;
  explicit Canary(int v = 0) : self(this), value(v) { ++live; }
  Canary(const Canary& o) : self(this), value(o.value) {
    o.check();
    ++live;
  }
  Canary(Canary&& o) noexcept : self(this), value(std::exchange(o.value, -1)) {
    o.check();
    ++live;
  }
  Canary& operator=(const Canary& o) {
    check();
    o.check();
    value = o.value;
    return *this;
  }
  Canary& operator=(Canary&& o) noexcept {
    check();
    o.check();
    value = o.value;
    return *this;
  }
  ~Canary() {
    check();
    --live;
  }
  void check() const { DROMOS_ASSERT(self == this); }
};

struct Aggregate {
  Canary a;
  std::string text;
  Canary b;
};

Task<int> value_of(Canary c) {
  co_await sleep_for(0ms);
  c.check();
  co_return c.value;
}
Task<Canary> make(int v, bool later) {
  if (later) co_await sleep_for(0ms);
  co_return Canary(v);
}
Task<int> sum(Aggregate in, bool later) {
  if (later) co_await sleep_for(0ms);
  in.a.check();
  in.b.check();
  co_return in.a.value + in.b.value + static_cast<int>(in.text.size());
}
Task<bool> yes(bool later) {
  if (later) co_await sleep_for(0ms);
  co_return true;
}
Task<bool> only_condition(bool later) {
  if (!co_await yes(later)) co_return false;
  co_return true;
}
Task<bool> chain(bool later) {
  if (co_await yes(later) && !co_await yes(later)) co_return false;
  co_return co_await yes(later) || co_await yes(later);
}
template <class F>
Task<int> apply(F fn, bool later) {
  if (later) co_await sleep_for(0ms);
  co_return fn();
}

Task<void> patterns(bool later) {
  REQUIRE(co_await value_of(Canary(1)) == 1);
  REQUIRE(co_await sum(Aggregate{Canary(1), "abc", Canary(2)}, later) == 6);
  REQUIRE(co_await sum({Canary(4), std::string(40, 'x'), Canary(2)}, later) == 46);
  REQUIRE(co_await only_condition(later));
  REQUIRE(co_await chain(later));
  const Canary kept(7);
  REQUIRE(co_await apply(
              [kept, text = std::string(50, 'y')] { return kept.value + static_cast<int>(text.size()); },
              later) == 57);
  Canary chosen = later ? co_await make(1, later) : co_await make(2, later);
  REQUIRE(chosen.value == (later ? 1 : 2));
  Aggregate built{co_await make(3, later), "z", co_await make(4, later)};
  REQUIRE(built.a.value + built.b.value == 7);
  auto owned = std::make_unique<Canary>(co_await make(9, later));
  REQUIRE(owned->value == 9);
  switch (co_await value_of(Canary(2))) {
    case 2:
      break;
    default:
      REQUIRE(false);
  }
  for (int i = 0; co_await value_of(Canary(i)) < 3; ++i) {
  }
  try {
    auto task = apply([]() -> int { throw Canary(5); }, later);
    co_await std::move(task);
    REQUIRE(false);
  } catch (const Canary& c) {
    c.check();
  }
}

Task<int> immediate(int i) {
  co_return i;
}

Task<void> two_million() {
  int64_t total = 0;
  for (int i = 0; i < 2000000; ++i) total += co_await immediate(i & 1);
  REQUIRE(total == 1000000);
}

}  // namespace

TEST_CASE("coroutine frames keep their objects at their addresses", "[unit][async]") {
  run_blocking(patterns(false));
  run_blocking(patterns(true));
  REQUIRE(Canary::live == 0);
}

TEST_CASE("two million synchronous awaits do not grow the stack", "[unit][async]") {
  run_blocking(two_million());
}
