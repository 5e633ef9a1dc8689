// Reactor: one libevent loop per thread, a queue of coroutines ready to run, and the only door between
// threads.
//
// Callbacks of libevent, libpq or gRPC never resume a coroutine: they schedule it, so nobody is re-entered.
// Everything but post() and stop() belongs to the reactor's own thread.
#pragma once

#include <coroutine>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

struct event_base;
struct event;

namespace dromos {

class Reactor {
 public:
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// The reactor whose run() is on this thread's stack (or that was last constructed on it).
  static Reactor& current();
  static Reactor* current_or_null();

  /// Runs until stop(). Ready coroutines first, then events.
  void run();
  /// Thread-safe.
  void stop();
  /// Runs `work` on this reactor's thread, soon. Thread-safe; the only call other threads may make (beside
  /// stop).
  void post(std::function<void()> work);

  /// Resumes `handle` from the loop, never from inside this call.
  void schedule(std::coroutine_handle<> handle) { ready_.push_back(handle); }
  event_base* base() const { return base_; }
  /// Coroutines ready to run; a gauge of how busy this thread is.
  size_t backlog() const { return ready_.size(); }

  /// co_await reactor.yield(): lets others run; for loops over many messages or rows.
  auto yield() {
    struct Awaiter {
      Reactor& reactor;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) { reactor.schedule(handle); }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

 private:
  void run_ready();
  void drain_posted();

  event_base* base_;
  event* wakeup_event_;
  int wakeup_fd_;
  std::deque<std::coroutine_handle<>> ready_;
  bool stopping_ = false;

  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace dromos
