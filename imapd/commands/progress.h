// INPROGRESS (RFC 9585): while a long command runs, its client is told so, and how far it is where that is
// known: not before imapd.progress has passed, and once in so long.
#pragma once

#include <string>

#include "common/async/task_group.h"
#include "common/async/timer.h"
#include "imapd/commands/context.h"

namespace dromos::imapd {

/// Lives as long as the command. close() before it goes.
class Progress {
 public:
  /// `ticks`: reports by itself, which needs a command that waits only between whole responses. Without, only
  /// step() reports.
  Progress(Context& context, std::string_view tag, bool ticks);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// So many items of `goal` are done; called between responses. A report that is due is written.
  void step(size_t done, size_t goal);
  /// A report that is being sent has gone out.
  Task<void> quiet();
  Task<void> close();

 private:
  void tick();
  Task<void> send();
  bool due();
  void write();

  Context& context_;
  const std::string tag_;
  const bool ticks_;
  size_t done_ = 0;
  size_t goal_ = 0;  // 0: not known
  int64_t last_us_;
  bool sending_ = false;
  Event sent_;
  Timer timer_;
  TaskGroup group_;  // the report being sent
};

}  // namespace dromos::imapd
