#include <unistd.h>
#include <catch2/catch.hpp>
#include <thread>

#include "common/async/offload.h"
#include "common/async/sync.h"
#include "common/async/task_group.h"
#include "common/async/timer.h"

using namespace dromos;
using namespace std::chrono_literals;

namespace {

Task<int> add(int a, int b) {
  co_return a + b;
}
Task<int> add_later(int a, int b) {
  co_await sleep_for(1ms);
  co_return a + b;
}
Task<int> failing() {
  co_await sleep_for(1ms);
  throw std::runtime_error("boom");
  co_return 0;
}

Task<void> wait_and_note(Event& event, Deadline deadline, CancelToken token, std::vector<Wake>& out) {
  const Wake wake = co_await event.wait(deadline, token);
  out.push_back(wake);
}

}  // namespace

TEST_CASE("tasks return values and exceptions, at once or later", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    REQUIRE(co_await add(1, 2) == 3);
    REQUIRE(co_await add_later(1, 2) == 3);
    bool caught = false;
    try {
      co_await failing();
    } catch (const std::runtime_error&) {
      caught = true;
    }
    REQUIRE(caught);
  }());
}

TEST_CASE("a wait ends by signal, deadline or cancellation, whichever is first", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    Event event;
    TaskGroup group;
    CancelSource source;
    std::vector<Wake> out;
    group.spawn(wait_and_note(event, Deadline::after(5ms), {}, out));
    co_await group.join();
    REQUIRE(out == std::vector{Wake::timeout});
    group.spawn(wait_and_note(event, Deadline::never(), source.token(), out));
    group.spawn(wait_and_note(event, Deadline::never(), {}, out));
    co_await sleep_for(1ms);
    source.cancel();
    co_await sleep_for(1ms);
    REQUIRE(out.size() == 2);
    REQUIRE(out[1] == Wake::cancelled);
    event.set();
    co_await group.join();
    REQUIRE(out[2] == Wake::ready);
    // Already cancelled, already past: no suspension.
    out.clear();
    event.reset();
    co_await wait_and_note(event, Deadline::never(), source.token(), out);
    co_await wait_and_note(event, Deadline::after(0ms), {}, out);
    REQUIRE(out == std::vector{Wake::cancelled, Wake::timeout});
    event.pulse();  // nobody is left in the list
  }());
}

TEST_CASE("a timer calls back once, unless it is stopped or started anew", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    int calls = 0;
    Event called;
    Timer timer([&] {
      ++calls;
      called.set();
    });
    CHECK_FALSE(timer.running());
    timer.start(1ms);
    CHECK(timer.running());
    CHECK(calls == 0);
    co_await called.wait();
    CHECK_FALSE(timer.running());
    timer.start(1ms);
    timer.stop();
    CHECK_FALSE(timer.running());
    co_await sleep_for(5ms);
    CHECK(calls == 1);
    timer.start(60s);
    called.reset();
    timer.start(0ms);
    co_await called.wait();
    CHECK(calls == 2);
    {
      Timer forgotten([&] { ++calls; });
      forgotten.start(1ms);
    }
    co_await sleep_for(5ms);
    CHECK(calls == 2);
  }());
}

TEST_CASE("a semaphore hands permits to waiters in order", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    Semaphore semaphore(1);
    TaskGroup group;
    std::vector<int> order;
    const auto worker = [](Semaphore& s, std::vector<int>& o, int id) -> Task<void> {
      const Wake wake = co_await s.acquire();
      REQUIRE(wake == Wake::ready);
      o.push_back(id);
      co_await sleep_for(1ms);
      s.release();
    };
    for (int i = 0; i < 5; ++i) group.spawn(worker(semaphore, order, i));
    co_await group.join();
    REQUIRE(order == std::vector{0, 1, 2, 3, 4});
    REQUIRE(semaphore.available() == 1);
    // A waiter that gave up does not swallow a permit.
    REQUIRE(semaphore.try_acquire());
    const Wake wake = co_await semaphore.acquire(Deadline::after(2ms));
    REQUIRE(wake == Wake::timeout);
    semaphore.release();
    REQUIRE(semaphore.available() == 1);
  }());
}

TEST_CASE("a channel bounds its writers and drains after close", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    Channel<int> channel(2);
    TaskGroup group;
    const auto producer = [](Channel<int>& c) -> Task<void> {
      for (int i = 0; i < 100; ++i) {
        const bool pushed = co_await c.push(i);
        REQUIRE(pushed);
        REQUIRE(c.size() <= 2);
      }
      c.close();
    };
    group.spawn(producer(channel));
    int expected = 0;
    while (auto value = co_await channel.pop()) REQUIRE(*value == expected++);
    REQUIRE(expected == 100);
    co_await group.join();
    REQUIRE_FALSE(channel.try_push(1));
  }());
}

TEST_CASE("descriptors wake their waiters", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    int fds[2];
    REQUIRE(pipe(fds) == 0);
    Wake wake = co_await FdWait(fds[0], Io::read, Deadline::after(3ms));
    REQUIRE(wake == Wake::timeout);
    REQUIRE(write(fds[1], "x", 1) == 1);
    wake = co_await FdWait(fds[0], Io::read, Deadline::after(5s));
    REQUIRE(wake == Wake::ready);
    close(fds[0]);
    close(fds[1]);
  }());
}

TEST_CASE("work crosses threads and comes back", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    const auto here = std::this_thread::get_id();
    const auto there = co_await offload([] { return std::this_thread::get_id(); });
    REQUIRE(there != here);
    REQUIRE(std::this_thread::get_id() == here);
    bool caught = false;
    try {
      co_await offload([] { throw std::runtime_error("in the pool"); });
    } catch (const std::runtime_error&) {
      caught = true;
    }
    REQUIRE(caught);

    Reactor* other = nullptr;
    std::atomic<bool> ready = false;
    std::thread thread([&] {
      Reactor reactor;
      other = &reactor;
      ready = true;
      reactor.run();
    });
    while (!ready) co_await sleep_for(1ms);
    for (int i = 0; i < 200; ++i) {
      const int sum = co_await run_on(*other, add_later(i, 1));
      REQUIRE(sum == i + 1);
    }
    co_await sleep_for(5ms);  // lets the last group on the other side go
    other->stop();
    thread.join();
  }());
}

TEST_CASE("a group cancels and outlives its tasks", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    TaskGroup group;
    int ended = 0;
    const auto sleeper = [](CancelToken token, int& count) -> Task<void> {
      co_await sleep_for(1h, token);
      ++count;
    };
    for (int i = 0; i < 10; ++i) group.spawn(sleeper(group.token(), ended));
    co_await sleep_for(1ms);
    REQUIRE(group.running() == 10);
    co_await group.close();
    REQUIRE(ended == 10);
  }());
}

TEST_CASE("an escaping exception of a spawned task is counted", "[unit][async]") {
  run_blocking([]() -> Task<void> {
    const auto before = TaskGroup::escaped();
    TaskGroup group;
    group.spawn([]() -> Task<void> {
      co_await sleep_for(1ms);
      throw std::runtime_error("expected by this test");
    }());
    co_await group.join();
    REQUIRE(TaskGroup::escaped() == before + 1);
  }());
}
