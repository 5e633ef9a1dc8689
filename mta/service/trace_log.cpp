#include "mta/service/trace_log.h"

#include "mta/service/metrics.h"

namespace dromos::mta {
namespace {

constexpr milliseconds kGather{1000};
constexpr milliseconds kTimeout{5000};

}  // namespace

void TraceLog::add(store::TraceEvent event) {
  if (waiting_.size() >= kMaxWaiting) return metrics::trace_dropped().add();
  waiting_.push_back(std::move(event));
  if (running_) return;
  running_ = true;
  group_.spawn(write_soon(group_.token()));
}

Task<void> TraceLog::write_soon(CancelToken token) {
  while (!waiting_.empty()) {
    co_await sleep_for(kGather, token);
    std::vector<store::TraceEvent> batch;
    batch.swap(waiting_);
    const size_t count = batch.size();
    const auto put = co_await traces_.put(std::move(batch), Deadline::after(kTimeout));
    if (!put) metrics::trace_dropped().add(count);
  }
  running_ = false;
}

Task<void> TraceLog::close() {
  co_await group_.close();
}

}  // namespace dromos::mta
