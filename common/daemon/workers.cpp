#include "common/daemon/workers.h"

#include <future>

namespace dromos::daemon {

Workers::Workers(Reactor& main, size_t count) {
  workers_.push_back(std::make_unique<Worker>());
  workers_[0]->reactor = &main;
  for (size_t i = 1; i < count; ++i) {
    auto& worker = *workers_.emplace_back(std::make_unique<Worker>());
    std::promise<Reactor*> started;
    worker.thread = std::thread([&started] {
      Reactor reactor;
      started.set_value(&reactor);
      reactor.run();
    });
    worker.reactor = started.get_future().get();
  }
}

Workers::~Workers() {
  for (auto& worker : workers_) {
    if (!worker->thread.joinable()) continue;
    worker->reactor->stop();
    worker->thread.join();
  }
}

size_t Workers::least_loaded() const {
  size_t best = 0;
  for (size_t i = 1; i < workers_.size(); ++i)
    if (workers_[i]->connections.load() < workers_[best]->connections.load()) best = i;
  return best;
}

size_t Workers::connections() const {
  size_t sum = 0;
  for (const auto& worker : workers_) sum += worker->connections.load();
  return sum;
}

}  // namespace dromos::daemon
