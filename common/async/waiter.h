// Waiter: one parked coroutine that exactly one of {signal, fd, deadline, cancellation} wakes.
// The building block of every wait in Dromos; sessions use the awaitables below or those in sync.h.
#pragma once

#include <event2/event_struct.h>

#include <coroutine>

#include "common/async/cancel.h"
#include "common/async/intrusive_list.h"
#include "common/async/reactor.h"
#include "common/base/clock.h"

namespace dromos {

enum class Wake { ready, timeout, cancelled };

enum class Io : short { read = 0x02, write = 0x04, read_or_write = 0x06 };  // libevent's EV_READ and EV_WRITE

class Waiter : public ListHook<struct WaitTag>, public CancelListener {
 public:
  Waiter(Deadline deadline, CancelToken token) : deadline_(deadline), token_(token) {}
  ~Waiter() override;

  bool await_ready() const noexcept { return false; }
  /// False (no suspension) if already cancelled or past the deadline.
  bool await_suspend(std::coroutine_handle<> handle);
  Wake await_resume() const noexcept { return result_; }

  /// The first call counts; the coroutine resumes from the reactor's loop.
  void wake(Wake result);
  void on_cancel() final { wake(Wake::cancelled); }

  /// Also wake when fd is ready. Before awaiting.
  Waiter& on_fd(int fd, Io direction) {
    fd_ = fd;
    direction_ = direction;
    return *this;
  }

 private:
  void arm();

  Deadline deadline_;
  CancelToken token_;
  std::coroutine_handle<> handle_;
  event event_{};
  int fd_ = -1;
  Io direction_ = Io::read;
  bool armed_ = false;
  Wake result_ = Wake::ready;
};

using WaitList = IntrusiveList<Waiter, WaitTag>;

/// co_await FdWait(fd, Io::read, deadline): Wake::ready when the descriptor is.
struct FdWait : Waiter {
  FdWait(int fd, Io direction, Deadline deadline, CancelToken token = {}) : Waiter(deadline, token) {
    on_fd(fd, direction);
  }
};

/// co_await Sleep(50ms): Wake::timeout when it is over, Wake::cancelled if ended before.
struct Sleep : Waiter {
  explicit Sleep(milliseconds time, CancelToken token = {}) : Waiter(Deadline::after(time), token) {}
};
inline Sleep sleep_for(milliseconds time, CancelToken token = {}) {
  return Sleep(time, token);
}

}  // namespace dromos
