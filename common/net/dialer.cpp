#include "common/net/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dromos::net {
namespace {

/// A Unix socket whose backlog is full says EAGAIN and cannot be waited for.
constexpr milliseconds kBacklogPause{20};

Error not_connected(const Address& to, Wake wake) {
  const std::string what = "connecting to " + to.to_string();
  if (wake == Wake::cancelled) return cancelled_error(what);
  return timeout_error(what + " took too long");
}

Error failed(const Address& to, int code) {
  return unavailable_error("connecting to " + to.to_string() + ": " + std::strerror(code));
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> dial(Address to, Deadline deadline, Address from, CancelToken token) {
  if (token.cancelled()) co_return fail(not_connected(to, Wake::cancelled));
  const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(unavailable_error("socket: " + std::string(std::strerror(errno))));
  auto stream = std::make_unique<Stream>(fd, to);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // fails harmlessly on Unix sockets
  if (from.length() > 0 && ::bind(fd, from.get(), from.length()) != 0)
    co_return fail(unavailable_error("binding " + from.to_string() + ": " + std::strerror(errno)));
  while (::connect(fd, to.get(), to.length()) != 0) {
    if (errno == EAGAIN && to.is_unix()) {
      if (deadline.passed()) co_return fail(not_connected(to, Wake::timeout));
      if (co_await sleep_for(kBacklogPause, token) == Wake::cancelled)
        co_return fail(not_connected(to, Wake::cancelled));
      continue;
    }
    if (errno != EINPROGRESS) co_return fail(failed(to, errno));
    const Wake wake = co_await FdWait(fd, Io::write, deadline, token);
    if (wake != Wake::ready) co_return fail(not_connected(to, wake));
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) co_return fail(failed(to, error));
    break;
  }
  co_return stream;
}

}  // namespace dromos::net
