#include "common/net/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dromos::net {

Task<Result<std::unique_ptr<Stream>>> dial(Address to, Deadline deadline, Address from) {
  const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(unavailable_error("socket: " + std::string(std::strerror(errno))));
  auto stream = std::make_unique<Stream>(fd, to);
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // fails harmlessly on Unix sockets
  if (from.length() > 0 && ::bind(fd, from.get(), from.length()) != 0)
    co_return fail(unavailable_error("binding " + from.to_string() + ": " + std::strerror(errno)));
  if (::connect(fd, to.get(), to.length()) != 0) {
    if (errno != EINPROGRESS && errno != EAGAIN)
      co_return fail(unavailable_error("connecting to " + to.to_string() + ": " + std::strerror(errno)));
    const Wake wake = co_await FdWait(fd, Io::write, deadline);
    if (wake != Wake::ready)
      co_return fail(timeout_error("connecting to " + to.to_string() + " took too long"));
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0)
      co_return fail(unavailable_error("connecting to " + to.to_string() + ": " + std::strerror(error)));
  }
  co_return stream;
}

}  // namespace dromos::net
