#include "common/async/waiter.h"

#include <event2/event.h>

#include <utility>

namespace dromos {

Waiter::~Waiter() {
  if (armed_) event_del(&event_);
}

bool Waiter::await_suspend(std::coroutine_handle<> handle) {
  if (token_.cancelled()) result_ = Wake::cancelled;
  if (token_.cancelled() || deadline_.passed()) {
    if (result_ != Wake::cancelled) result_ = Wake::timeout;
    ListHook<WaitTag>::unlink();
    return false;
  }
  handle_ = handle;
  token_.listen(*this);
  if (fd_ >= 0 || !deadline_.is_never()) arm();
  return true;
}

void Waiter::arm() {
  const short flags = fd_ >= 0 ? static_cast<short>(direction_) : static_cast<short>(0);
  event_assign(
      &event_, Reactor::current().base(), fd_, flags,
      [](evutil_socket_t, short what, void* self) {
        static_cast<Waiter*>(self)->wake(what & EV_TIMEOUT ? Wake::timeout : Wake::ready);
      },
      this);
  if (deadline_.is_never()) {
    event_add(&event_, nullptr);
  } else {
    const auto left = deadline_.remaining();
    timeval tv{static_cast<time_t>(left.count() / 1000000), static_cast<suseconds_t>(left.count() % 1000000)};
    event_add(&event_, &tv);
  }
  armed_ = true;
}

void Waiter::wake(Wake result) {
  if (!handle_) return;
  result_ = result;
  if (armed_) {
    event_del(&event_);
    armed_ = false;
  }
  ListHook<WaitTag>::unlink();
  ListHook<CancelTag>::unlink();
  Reactor::current().schedule(std::exchange(handle_, {}));
}

}  // namespace dromos
