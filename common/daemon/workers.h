// Workers: the reactor threads of a daemon. Worker 0 is the main thread, which also serves RPC and /metrics.
// A connection goes to the worker with the fewest and stays there for its life.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "common/async/reactor.h"

namespace dromos::daemon {

class Workers {
 public:
  /// `main` must be the reactor of the calling thread; starts count - 1 further threads.
  Workers(Reactor& main, size_t count);
  /// Stops and joins the threads; their tasks must have ended.
  ~Workers();

  size_t count() const { return workers_.size(); }
  Reactor& reactor(size_t index) { return *workers_[index]->reactor; }
  /// Index of the worker with the fewest connections. Thread-safe.
  size_t least_loaded() const;
  void add_connection(size_t index) { workers_[index]->connections.fetch_add(1); }
  void drop_connection(size_t index) { workers_[index]->connections.fetch_sub(1); }
  size_t connections() const;

 private:
  struct Worker {
    Reactor* reactor = nullptr;
    std::thread thread;
    std::atomic<size_t> connections{0};
  };
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace dromos::daemon
