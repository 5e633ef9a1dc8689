// JmapApp: wires listeners, workers and the routes. Every worker thread has its own Services and HTTP server.
#pragma once

#include <memory>
#include <vector>

#include "common/async/task_group.h"
#include "common/daemon/runtime.h"
#include "jmapd/service/services.h"

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
  Task<void> drain_worker(size_t index, Deadline deadline);
  void accept(daemon::Incoming incoming, bool tls);
  Task<void> serve(Worker& worker, daemon::Incoming incoming, bool tls);

  daemon::Runtime* runtime_ = nullptr;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace dromos::jmapd
