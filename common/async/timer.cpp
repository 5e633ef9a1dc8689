#include "common/async/timer.h"

#include <event2/event.h>

#include "common/async/reactor.h"

namespace dromos {

void Timer::start(milliseconds time) {
  stop();
  event_assign(
      &event_, Reactor::current().base(), -1, 0,
      [](evutil_socket_t, short, void* self) {
        auto* timer = static_cast<Timer*>(self);
        timer->running_ = false;
        timer->expired_();
      },
      this);
  const timeval tv{static_cast<time_t>(time.count() / 1000),
                   static_cast<suseconds_t>(time.count() % 1000 * 1000)};
  event_add(&event_, &tv);
  running_ = true;
}

void Timer::stop() {
  if (!running_) return;
  event_del(&event_);
  running_ = false;
}

}  // namespace dromos
