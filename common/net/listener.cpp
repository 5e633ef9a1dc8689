#include "common/net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/base/strings.h"

namespace dromos::net {
namespace {

Address name_of(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return Address(reinterpret_cast<const sockaddr*>(&storage), length);
}

// What is accepted inherits it: no call a connection.
void set_no_delay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // fails harmlessly on Unix sockets
}

Unexpected cannot(const Address& address, const char* what) {
  const int error = errno;
  std::string text = "cannot " + std::string(what) + " " + address.to_string() + ": " + std::strerror(error);
  if (error == EACCES && address.port() > 0 && address.port() < 1024)
    text += " (ports below 1024 need CAP_NET_BIND_SERVICE or systemd socket activation)";
  if (error == EADDRINUSE) text += " (another process listens there)";
  return fail(Errc::unavailable, text);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::bind(const Address& address, int backlog) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot(address, "open a socket for");
  std::unique_ptr<Listener> listener(new Listener(fd, address));
  const int one = 1, zero = 0;
  if (address.is_unix()) {
    struct stat info{};
    if (::stat(address.ip().c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) ::unlink(address.ip().c_str());
  } else {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address.family() == AF_INET6 && address.ip() == "::")
      setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  }
  if (::bind(fd, address.get(), address.length()) != 0) return cannot(address, "bind");
  set_no_delay(fd);
  if (address.is_unix()) ::chmod(address.ip().c_str(), 0660);
  if (::listen(fd, backlog) != 0) return cannot(address, "listen on");
  listener->address_ = name_of(fd);
  return listener;
}

Result<std::unique_ptr<Listener>> Listener::adopt(int fd) {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0)
    return fail(Errc::invalid_argument,
                "inherited descriptor " + std::to_string(fd) + " is not a listening socket");
  // systemd hands sockets over blocking: one accept() too many would hold the reactor until the next client.
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return fail(Errc::invalid_argument,
                "inherited descriptor " + std::to_string(fd) + ": " + std::strerror(errno));
  set_no_delay(fd);
  return std::unique_ptr<Listener>(new Listener(fd, name_of(fd)));
}

Listener::~Listener() {
  ::close(fd_);
}

Task<void> Listener::accept_loop(Handler handler, CancelToken token) {
  while (!token.cancelled()) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    const int fd =
        ::accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      handler(fd, Address(reinterpret_cast<const sockaddr*>(&storage), length));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      co_await FdWait(fd_, Io::read, Deadline::never(), token);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      co_await sleep_for(milliseconds(50), token);
    } else if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) {
      co_await sleep_for(milliseconds(50), token);
    }
  }
}

std::vector<int> inherited_sockets(const std::string& name) {
  static std::vector<std::string> names = [] {
    std::vector<std::string> out;
    const char* pid = std::getenv("LISTEN_PID");
    const char* count = std::getenv("LISTEN_FDS");
    const char* labels = std::getenv("LISTEN_FDNAMES");
    if (pid == nullptr || count == nullptr || parse_number<long>(pid) != getpid()) return out;
    const auto pieces = split(labels != nullptr ? labels : "", ':');
    const int total = parse_number<int>(count).value_or(0);
    for (int i = 0; i < total; ++i)
      out.emplace_back(static_cast<size_t>(i) < pieces.size() ? pieces[static_cast<size_t>(i)] : "unknown");
    return out;
  }();
  std::vector<int> out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != name) continue;
    names[i].clear();
    out.push_back(3 + static_cast<int>(i));
  }
  return out;
}

}  // namespace dromos::net
