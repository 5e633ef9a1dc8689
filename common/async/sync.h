// Event, Semaphore, Mutex, Channel: waiting for one another on one reactor thread. FIFO, no allocation per
// wait. All of them must outlive their waiters. Not thread-safe: other threads go through Reactor::post.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "common/async/task.h"
#include "common/async/waiter.h"
#include "common/base/result.h"

namespace dromos {

/// Manual-reset flag that many may wait for.
class Event {
 public:
  bool is_set() const { return set_; }
  void set() {
    set_ = true;
    wake_all();
  }
  void reset() { set_ = false; }
  /// Wakes who waits now without setting the flag.
  void pulse() { wake_all(); }

  struct Wait : Waiter {
    Wait(Event& event, Deadline deadline, CancelToken token) : Waiter(deadline, token), event_(event) {}
    bool await_ready() const noexcept { return event_.set_; }
    bool await_suspend(std::coroutine_handle<> handle) {
      event_.waiters_.push_back(*this);
      return Waiter::await_suspend(handle);
    }

   private:
    Event& event_;
  };
  Wait wait(Deadline deadline = Deadline::never(), CancelToken token = {}) {
    return Wait(*this, deadline, token);
  }

  /// Adds a waiter that also waits for something else (a socket).
  void enlist(Waiter& waiter) { waiters_.push_back(waiter); }

 private:
  void wake_all() {
    while (Waiter* waiter = waiters_.pop_front()) waiter->wake(Wake::ready);
  }
  bool set_ = false;
  WaitList waiters_;
};

/// Counts permits. release() hands a permit straight to the first waiter.
class Semaphore {
 public:
  explicit Semaphore(size_t permits) : permits_(permits) {}
  size_t available() const { return permits_; }
  bool try_acquire() {
    if (permits_ == 0) return false;
    --permits_;
    return true;
  }
  struct Acquire : Waiter {
    Acquire(Semaphore& semaphore, Deadline deadline, CancelToken token)
        : Waiter(deadline, token), semaphore_(semaphore) {}
    bool await_ready() noexcept { return semaphore_.try_acquire(); }
    bool await_suspend(std::coroutine_handle<> handle) {
      semaphore_.waiters_.push_back(*this);
      return Waiter::await_suspend(handle);
    }

   private:
    Semaphore& semaphore_;
  };
  /// Wake::ready means a permit is held.
  Acquire acquire(Deadline deadline = Deadline::never(), CancelToken token = {}) {
    return Acquire(*this, deadline, token);
  }
  void release() {
    if (Waiter* waiter = waiters_.pop_front())
      waiter->wake(Wake::ready);
    else
      ++permits_;
  }

 private:
  size_t permits_;
  WaitList waiters_;
};

class Mutex {
 public:
  class [[nodiscard]] Guard {
   public:
    Guard() = default;
    explicit Guard(Mutex* mutex) : mutex_(mutex) {}
    Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      std::swap(mutex_, other.mutex_);
      return *this;
    }
    ~Guard() {
      if (mutex_ != nullptr) mutex_->semaphore_.release();
    }

   private:
    Mutex* mutex_ = nullptr;
  };
  Task<Result<Guard>> lock(Deadline deadline = Deadline::never(), CancelToken token = {}) {
    const Wake wake = co_await semaphore_.acquire(deadline, token);
    if (wake == Wake::timeout) co_return fail(Errc::timeout, "waiting for a lock", Retry::timeout);
    if (wake == Wake::cancelled) co_return fail(Errc::cancelled, "waiting for a lock", Retry::cancelled);
    co_return Guard(this);
  }

 private:
  Semaphore semaphore_{1};
};

/// Bounded queue between tasks of one reactor. close() lets readers drain what is left, then pop() gives
/// nothing.
template <class T>
class Channel {
 public:
  explicit Channel(size_t capacity) : room_(capacity) {}

  /// False if full or closed.
  bool try_push(T value) {
    if (closed_ || !room_.try_acquire()) return false;
    accept(std::move(value));
    return true;
  }
  /// Waits for room; false if closed, cancelled or past the deadline.
  Task<bool> push(T value, Deadline deadline = Deadline::never(), CancelToken token = {}) {
    const Wake wake = co_await room_.acquire(deadline, token);
    if (wake != Wake::ready) co_return false;
    if (closed_) {
      room_.release();
      co_return false;
    }
    accept(std::move(value));
    co_return true;
  }
  /// The next value; nothing when closed and empty, cancelled or past the deadline.
  Task<std::optional<T>> pop(Deadline deadline = Deadline::never(), CancelToken token = {}) {
    while (items_.empty()) {
      if (closed_) co_return std::nullopt;
      filled_.reset();
      const Wake wake = co_await filled_.wait(deadline, token);
      if (wake != Wake::ready) co_return std::nullopt;
    }
    co_return take();
  }
  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    return take();
  }
  void close() {
    closed_ = true;
    filled_.set();
  }
  size_t size() const { return items_.size(); }
  bool closed() const { return closed_; }

 private:
  void accept(T value) {
    items_.push_back(std::move(value));
    filled_.set();
  }
  T take() {
    T value = std::move(items_.front());
    items_.pop_front();
    room_.release();
    return value;
  }

  std::deque<T> items_;
  Semaphore room_;
  Event filled_;
  bool closed_ = false;
};

}  // namespace dromos
