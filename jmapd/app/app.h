// JmapApp: wires listeners, workers and the routes. Every worker thread has its own Services and HTTP server.
#pragma once

#include <memory>
#include <vector>

#include "common/async/task_group.h"
#include "common/daemon/runtime.h"
#include "jmapd/service/push_hub.h"

namespace dromos::jmapd {

class JmapApp : public daemon::App {
 public:
  JmapApp();
  ~JmapApp() override;
  Task<Result<void>> start(daemon::Runtime& runtime) override;
  Task<void> drain(Deadline deadline) override;

 private:
  struct Worker;
  Task<void> start_worker(size_t index);
  void watch_hints();
  /// Wakes EventSources of all workers; no accounts: every one. Main reactor, or with own changes any thread.
  void wake(std::vector<AccountId> accounts);
  Task<void> drain_worker(size_t index, Deadline deadline);
  void accept(daemon::Incoming incoming, bool tls);
  Task<void> serve(Worker& worker, daemon::Incoming incoming, bool tls);

  daemon::Runtime* runtime_ = nullptr;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  /// Outlive their workers: a wake may still be on its way to the thread.
  std::vector<std::unique_ptr<PushHub>> hubs_;
  std::unique_ptr<rpc::HintSubscriber> hints_;
};

}  // namespace dromos::jmapd
