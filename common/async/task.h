// Task<T>: a lazy coroutine, started by co_await and owned by whoever holds it.
//
// No symmetric transfer: await_suspend resumes the child and returns false if it finished at once
// (docs/STYLE.md, coroutine hazards). Consequences: a Task must not be destroyed from inside its own
// resumption, and a coroutine stays on the thread it was started on (see run_on for crossing).
// Exceptions travel to the awaiter; expected failures are Task<Result<T>>.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "common/base/assert.h"

namespace dromos {

template <class T>
class Task;

namespace detail {

class TaskPromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      TaskPromiseBase& promise = self.promise();
      promise.finished_ = true;
      // Nothing of this frame may be touched after resume(): the parent may have destroyed it.
      if (promise.parked_) promise.parent_.resume();
    }
    void await_resume() const noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  /// Runs the child; true if it suspended and will resume `parent` later.
  template <class Promise>
  bool start(std::coroutine_handle<Promise> self, std::coroutine_handle<> parent) {
    parent_ = parent;
    self.resume();
    if (finished_) return false;
    parked_ = true;
    return true;
  }

  void rethrow() {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::coroutine_handle<> parent_;
  std::exception_ptr error_;
  bool finished_ = false;
  bool parked_ = false;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() { rethrow(); }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const { return static_cast<bool>(handle_); }

  struct Awaiter {
    Handle handle;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) { return handle.promise().start(handle, parent); }
    T await_resume() { return handle.promise().take(); }
  };
  Awaiter operator co_await() && noexcept {
    DROMOS_ASSERT(handle_);
    return Awaiter{handle_};
  }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
}  // namespace detail

}  // namespace dromos
