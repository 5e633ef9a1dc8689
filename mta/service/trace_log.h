// TraceLog: trace events of refused mail, gathered and written a second later in one call. Lossy: beyond
// kMaxWaiting, or when the store is away, events are dropped and counted. One reactor.
#pragma once

#include <vector>

#include "common/async/task_group.h"
#include "common/store/trace.h"

namespace dromos::mta {

class TraceLog {
 public:
  static constexpr size_t kMaxWaiting = 1000;

  explicit TraceLog(db::Pool& pool) : traces_(pool) {}
  void add(store::TraceEvent event);
  /// Writes what is left.
  Task<void> close();

 private:
  Task<void> write_soon(CancelToken token);

  store::Traces traces_;
  std::vector<store::TraceEvent> waiting_;
  bool running_ = false;
  TaskGroup group_;
};

}  // namespace dromos::mta
