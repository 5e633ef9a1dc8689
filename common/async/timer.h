// Timer: calls back on its reactor's thread once a time has passed, unless it is stopped before. For what
// seldom comes so far: setting and stopping one costs no coroutine and no turn of the loop.
#pragma once

#include <event2/event_struct.h>

#include <functional>

#include "common/base/clock.h"

namespace dromos {

class Timer {
 public:
  /// `expired` runs from the loop, never from inside start(); it may start or stop the timer.
  explicit Timer(std::function<void()> expired) : expired_(std::move(expired)) {}
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Anew if it runs already.
  void start(milliseconds time);
  void stop();
  bool running() const { return running_; }

 private:
  const std::function<void()> expired_;
  event event_{};
  bool running_ = false;
};

}  // namespace dromos
