#include "common/async/offload.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace dromos {

struct BlockingPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> work;
  std::vector<std::thread> threads;
  bool stopping = false;

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stopping || !work.empty(); });
      if (work.empty()) return;
      auto item = std::move(work.front());
      work.pop_front();
      lock.unlock();
      item();
      item = {};
      lock.lock();
    }
  }
};

BlockingPool::BlockingPool() : state_(std::make_unique<State>()) {
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  for (unsigned i = 0; i < count; ++i) state_->threads.emplace_back([s = state_.get()] { s->run(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

BlockingPool& BlockingPool::instance() {
  static BlockingPool pool;
  return pool;
}

void BlockingPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->work.push_back(std::move(work));
  }
  state_->wake.notify_one();
}

}  // namespace dromos
