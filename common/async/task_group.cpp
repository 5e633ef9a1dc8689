#include "common/async/task_group.h"

#include <atomic>
#include <cstdio>

namespace dromos {
namespace {
std::atomic<uint64_t> escaped_count{0};

void report(std::exception_ptr error) {
  ++escaped_count;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "level=error event=task.exception err=\"%s\"\n", e.what());
  } catch (...) {
    std::fprintf(stderr, "level=error event=task.exception err=unknown\n");
  }
}
}  // namespace

// A root owns itself: it begins suspended, is scheduled, and its frame goes when it ends.
struct TaskGroup::Root {
  struct promise_type {
    Root get_return_object() { return Root{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { report(std::current_exception()); }
  };
  std::coroutine_handle<promise_type> handle;
};

TaskGroup::~TaskGroup() {
  DROMOS_ASSERT(running_ == 0);
}

TaskGroup::Root TaskGroup::run(TaskGroup& group, Task<void> task) {
  std::exception_ptr error;
  try {
    co_await std::move(task);
  } catch (...) {
    error = std::current_exception();
  }
  task = {};  // the frame and what it holds go before the group hears of the end
  if (error) report(error);
  group.finished();
}

void TaskGroup::spawn(Task<void> task) {
  ++running_;
  idle_.reset();
  Reactor::current().schedule(run(*this, std::move(task)).handle);
}

void TaskGroup::finished() {
  if (--running_ == 0) idle_.set();
}

Task<void> TaskGroup::close() {
  cancel();
  co_await join();
}

uint64_t TaskGroup::escaped() {
  return escaped_count;
}

namespace {
Task<void> run_then_stop(Task<void> task, Reactor& reactor, std::exception_ptr& error) {
  try {
    co_await std::move(task);
  } catch (...) {
    error = std::current_exception();
  }
  reactor.stop();
}
}  // namespace

void run_blocking(Task<void> task) {
  Reactor reactor;
  std::exception_ptr error;
  {
    TaskGroup group;
    group.spawn(run_then_stop(std::move(task), reactor, error));
    reactor.run();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace dromos
