#include "common/async/reactor.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/assert.h"

namespace dromos {
namespace {

thread_local Reactor* current_reactor = nullptr;

// A wait that ends and begins anew in one turn of the loop costs one epoll_ctl instead of two. (No descriptor
// of ours is a dup of another, which this would not bear.)
event_base* new_base() {
  event_config* config = event_config_new();
  if (config == nullptr) return nullptr;
  event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  return base;
}

}  // namespace

Reactor::Reactor() : base_(new_base()), wakeup_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets without MSG_NOSIGNAL
  DROMOS_ASSERT(base_ != nullptr && wakeup_fd_ >= 0);
  wakeup_event_ = event_new(
      base_, wakeup_fd_, EV_READ | EV_PERSIST,
      [](evutil_socket_t fd, short, void* self) {
        uint64_t count;
        [[maybe_unused]] const auto n = ::read(fd, &count, sizeof count);
        static_cast<Reactor*>(self)->drain_posted();
      },
      this);
  DROMOS_ASSERT(wakeup_event_ != nullptr && event_add(wakeup_event_, nullptr) == 0);
  current_reactor = this;
}

Reactor::~Reactor() {
  event_free(wakeup_event_);
  event_base_free(base_);
  ::close(wakeup_fd_);
  if (current_reactor == this) current_reactor = nullptr;
}

Reactor& Reactor::current() {
  DROMOS_ASSERT(current_reactor != nullptr);
  return *current_reactor;
}

Reactor* Reactor::current_or_null() {
  return current_reactor;
}

void Reactor::run() {
  Reactor* outer = current_reactor;
  current_reactor = this;
  while (!stopping_) {
    run_ready();
    if (stopping_) break;
    event_base_loop(base_, ready_.empty() ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
  }
  stopping_ = false;
  current_reactor = outer;
}

void Reactor::run_ready() {
  // Only what was ready at the start: a coroutine that keeps yielding must not starve the sockets.
  for (size_t n = ready_.size(); n > 0; --n) {
    const auto handle = ready_.front();
    ready_.pop_front();
    handle.resume();
  }
}

void Reactor::post(std::function<void()> work) {
  bool was_empty;
  {
    const std::lock_guard lock(posted_mutex_);
    was_empty = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (!was_empty) return;  // the reactor has been woken already
  const uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wakeup_fd_, &one, sizeof one);
}

void Reactor::stop() {
  post([this] { stopping_ = true; });
}

void Reactor::drain_posted() {
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (auto& item : work) item();
}

}  // namespace dromos
