// offload: CPU-heavy or blocking work on a small thread pool; run_on: a task on another reactor.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

#include "common/async/reactor.h"
#include "common/async/task.h"
#include "common/async/task_group.h"

namespace dromos {

/// Threads named "offload". The one of offload() is process-wide and started at first use.
class BlockingPool {
 public:
  static constexpr unsigned kMaxByDefault = 4;
  explicit BlockingPool(unsigned threads);
  static BlockingPool& instance();
  /// Threads of instance(); 0, or never called: as many as CPUs, at most kMaxByDefault. Before its first use.
  static void set_threads(unsigned threads);
  /// Thread-safe. Work must not throw.
  void submit(std::function<void()> work);
  ~BlockingPool();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

namespace detail {
template <class T>
using Slot = std::conditional_t<std::is_void_v<T>, std::optional<bool>, std::optional<T>>;

template <class F>
struct OffloadAwaiter {
  using T = std::invoke_result_t<F>;
  F& fn;
  Slot<T> value{};
  std::exception_ptr error{};

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    Reactor& home = Reactor::current();
    BlockingPool::instance().submit([this, handle, &home] {
      try {
        if constexpr (std::is_void_v<T>) {
          fn();
          value = true;
        } else {
          value.emplace(fn());
        }
      } catch (...) {
        error = std::current_exception();
      }
      home.post([&home, handle] { home.schedule(handle); });
    });
  }
  T await_resume() {
    if (error) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
};
}  // namespace detail

/// Runs `fn` (owning all it needs) off the reactor; resumes here with its result.
template <class F>
Task<std::invoke_result_t<F>> offload(F fn) {
  detail::OffloadAwaiter<F> awaiter{fn};
  co_return co_await awaiter;
}

namespace detail {
template <class T>
struct RemoteAwaiter {
  Reactor& other;
  Task<T> task;
  Slot<T> value{};
  std::exception_ptr error{};
  TaskGroup* group = nullptr;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    Reactor& home = Reactor::current();
    other.post([this, handle, &home] {
      group = new TaskGroup;  // lives on the other thread, freed there once it is idle
      group->spawn(run(*this, handle, home));
    });
  }
  static Task<void> run(RemoteAwaiter& self, std::coroutine_handle<> handle, Reactor& home) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(self.task);
        self.value = true;
      } else {
        self.value.emplace(co_await std::move(self.task));
      }
    } catch (...) {
      self.error = std::current_exception();
    }
    self.task = {};
    Reactor& here = Reactor::current();
    // Freed after this root has counted itself out.
    here.post([group = self.group] { delete group; });
    home.post([&home, handle] { home.schedule(handle); });
  }
  T await_resume() {
    if (error) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<T>) return std::move(*value);
  }
};
}  // namespace detail

/// Runs `task` to its end on `other`'s thread and resumes here with its result. The task must own its data.
template <class T>
Task<T> run_on(Reactor& other, Task<T> task) {
  detail::RemoteAwaiter<T> awaiter{other, std::move(task)};
  co_return co_await awaiter;
}

}  // namespace dromos
