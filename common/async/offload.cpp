#include "common/async/offload.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/assert.h"

namespace dromos {

namespace {
unsigned g_threads = 0;
std::atomic<bool> g_started{false};
}  // namespace

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

BlockingPool::BlockingPool(unsigned threads) : state_(std::make_unique<State>()) {
  for (unsigned i = 0; i < threads; ++i) {
    auto& thread = state_->threads.emplace_back([s = state_.get()] { s->run(); });
    pthread_setname_np(thread.native_handle(), "offload");
  }
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
  static BlockingPool pool([] {
    g_started = true;
    return g_threads > 0 ? g_threads : std::clamp(std::thread::hardware_concurrency(), 1u, kMaxByDefault);
  }());
  return pool;
}

void BlockingPool::set_threads(unsigned threads) {
  DROMOS_ASSERT(!g_started);
  g_threads = threads;
}

void BlockingPool::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->work.push_back(std::move(work));
  }
  state_->wake.notify_one();
}

}  // namespace dromos
