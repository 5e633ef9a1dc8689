// TaskGroup: the owner of background tasks. Nothing is detached: spawn() counts, close() cancels and waits.
#pragma once

#include "common/async/cancel.h"
#include "common/async/sync.h"
#include "common/async/task.h"

namespace dromos {

class TaskGroup {
 public:
  TaskGroup() { idle_.set(); }
  /// Asserts that nothing is running: call close() first.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `task` from the reactor's loop. An escaping exception is logged and counted, never lost.
  void spawn(Task<void> task);
  CancelToken token() { return cancel_.token(); }
  void cancel() { cancel_.cancel(); }
  size_t running() const { return running_; }
  /// Waits until nothing runs.
  Event::Wait join(Deadline deadline = Deadline::never()) { return idle_.wait(deadline); }
  /// cancel(), then join().
  Task<void> close();

  /// Escaped exceptions of all groups since the start of the process.
  static uint64_t escaped();

 private:
  struct Root;
  static Root run(TaskGroup& group, Task<void> task);
  void finished();

  size_t running_ = 0;
  Event idle_;
  CancelSource cancel_;
};

/// Runs `task` on a reactor made for it, to its end; for main() and tests.
void run_blocking(Task<void> task);

}  // namespace dromos
