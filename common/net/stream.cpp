#include "common/net/stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace dromos::net {
namespace {
constexpr size_t kScratch = 64 * 1024;
constexpr size_t kKeepBuffer = 4 * 1024;  // a larger empty buffer is given back

char* scratch() {
  thread_local std::unique_ptr<char[]> buffer(new char[kScratch]);
  return buffer.get();
}
}  // namespace

Stream::Stream(int fd, Address peer) : fd_(fd), peer_(peer) {
  const int flags = fcntl(fd_, F_GETFL);
  if ((flags & O_NONBLOCK) == 0) fcntl(fd_, F_SETFL, flags | O_NONBLOCK);
}

Stream::~Stream() {
  close();
}

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> Stream::memory_pair() {
  int fds[2];
  DROMOS_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  return {std::make_unique<Stream>(fds[0], Address::unix_path("/test")),
          std::make_unique<Stream>(fds[1], Address::unix_path("/test"))};
}

void Stream::close() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    if (fd_ >= 0 && SSL_is_init_finished(ssl_)) SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ssl_ = nullptr;
    ERR_clear_error();
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Address Stream::local() const {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Address(reinterpret_cast<const sockaddr*>(&storage), length);
}

Error Stream::broken(std::string_view doing) const {
  return Error(Errc::closed,
               std::string(doing) + ": " + (failure_.empty() ? "connection closed by peer" : failure_),
               Retry::temporary);
}

Stream::Step Stream::tls_step(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::closed;
    case SSL_ERROR_SYSCALL:
      failure_ = errno != 0 ? std::strerror(errno) : "connection closed";
      return Step::failed;
    default:
      failure_ = tls_error_text();
      return Step::failed;
  }
}

Stream::Step Stream::try_read(char* data, size_t size, size_t& got) {
  got = 0;
  if (fd_ < 0) return Step::failed;
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    const int n = SSL_read_ex(ssl_, data, size, &got);
    return n == 1 ? Step::done : tls_step(n);
  }
  const ssize_t n = ::recv(fd_, data, size, 0);
  if (n > 0) {
    got = static_cast<size_t>(n);
    return Step::done;
  }
  if (n == 0) return Step::closed;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Step::want_read;
  failure_ = std::strerror(errno);
  return Step::failed;
}

Stream::Step Stream::try_write(const char* data, size_t size, size_t& put) {
  put = 0;
  if (fd_ < 0) return Step::failed;
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    const int n = SSL_write_ex(ssl_, data, size, &put);
    return n == 1 ? Step::done : tls_step(n);
  }
  const ssize_t n = ::send(fd_, data, size, MSG_NOSIGNAL);
  if (n >= 0) {
    put = static_cast<size_t>(n);
    return Step::done;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Step::want_write;
  failure_ = std::strerror(errno);
  return Step::failed;
}

Task<Result<void>> Stream::wait(Step step, Deadline deadline) {
  const Io direction = step == Step::want_write ? Io::write : Io::read;
  const Wake wake = co_await FdWait(fd_, direction, deadline, cancel_.token());
  if (wake == Wake::timeout)
    co_return fail(timeout_error("peer " + peer_.to_string() + " was silent too long"));
  if (wake == Wake::cancelled) co_return fail(cancelled_error("connection ended by this server"));
  co_return Result<void>{};
}

void Stream::append_input(const char* data, size_t size) {
  if (in_at_ > 0 && in_at_ == in_.size()) {
    in_.clear();
    in_at_ = 0;
  } else if (in_at_ > kScratch) {
    in_.erase(0, in_at_);
    in_at_ = 0;
  }
  in_.append(data, size);
  bytes_in_ += size;
}

void Stream::consume(size_t count) {
  in_at_ += count;
  DROMOS_ASSERT(in_at_ <= in_.size());
  if (in_at_ < in_.size()) return;
  in_at_ = 0;
  if (in_.capacity() > kKeepBuffer)
    in_ = std::string();
  else
    in_.clear();
}

size_t Stream::try_fill() {
  if (cancel_.cancelled()) return 0;
  if (deflate_) {
    if (unpacked_ahead_ > 0) return std::exchange(unpacked_ahead_, 0);
    if (!deflate_->pending()) (void)read_packed();
    return unpack().value_or(0);
  }
  size_t got = 0;
  if (try_read(scratch(), kScratch, got) != Step::done) return 0;
  append_input(scratch(), got);
  return got;
}

Task<Result<size_t>> Stream::fill(Deadline deadline) {
  if (deflate_) co_return co_await fill_unpacked(deadline);
  while (true) {
    if (cancel_.cancelled()) co_return fail(cancelled_error("connection ended by this server"));
    size_t got = 0;
    const Step step = try_read(scratch(), kScratch, got);
    if (step == Step::done) {
      append_input(scratch(), got);
      co_return got;
    }
    if (step == Step::closed) co_return size_t{0};
    if (step == Step::failed) co_return fail(broken("reading"));
    CO_TRY_VOID(co_await wait(step, deadline));
  }
}

Task<Wake> Stream::wait_readable(Deadline deadline, Event* also) {
  if (deflate_) co_return co_await wait_unpacked(deadline, also);
  co_return co_await wait_fd(deadline, also);
}

Task<Wake> Stream::wait_fd(Deadline deadline, Event* also) {
  if (ssl_ != nullptr && SSL_pending(ssl_) > 0) co_return Wake::ready;
  if (also != nullptr && also->is_set()) co_return Wake::ready;
  FdWait waiter(fd_, Io::read, deadline, cancel_.token());
  if (also != nullptr) also->enlist(waiter);
  co_return co_await waiter;
}

Task<Result<std::string>> Stream::read_line(size_t limit, Deadline deadline, bool bare_lf) {
  size_t searched = 0;
  while (true) {
    const std::string_view bytes = buffered();
    const size_t end = bytes.find('\n', searched);
    if (end != std::string_view::npos && end <= limit + 1) {
      const bool crlf = end > 0 && bytes[end - 1] == '\r';
      if (crlf || bare_lf) {
        std::string line(bytes.substr(0, crlf ? end - 1 : end));
        consume(end + 1);
        co_return line;
      }
      searched = end + 1;
      continue;
    }
    if (bytes.size() > limit + 1)
      co_return fail(Errc::limit_exceeded, "line longer than " + std::to_string(limit) + " bytes");
    searched = bytes.size();
    CO_TRY(const size_t got, co_await fill(deadline));
    if (got == 0) co_return fail(broken("reading a line"));
  }
}

Task<Result<std::string>> Stream::read_exactly(size_t count, Deadline deadline) {
  while (buffered().size() < count) {
    CO_TRY(const size_t got, co_await fill(deadline));
    if (got == 0) co_return fail(broken("reading"));
  }
  std::string out(buffered().substr(0, count));
  consume(count);
  co_return out;
}

Task<Result<void>> Stream::send_wire(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (cancel_.cancelled()) co_return fail(cancelled_error("connection ended by this server"));
    size_t put = 0;
    const Step step = try_write(bytes.data(), bytes.size(), put);
    if (step == Step::done) {
      bytes.remove_prefix(put);
      bytes_out_ += put;
      continue;
    }
    if (step == Step::failed || step == Step::closed) co_return fail(broken("writing"));
    CO_TRY_VOID(co_await wait(step, deadline));
  }
  co_return Result<void>{};
}

Task<Result<void>> Stream::flush(Deadline deadline) {
  if (out_.empty()) co_return Result<void>{};
  std::string pending;
  pending.swap(out_);
  CO_TRY_VOID(co_await send(pending, deadline));
  if (out_.empty() && pending.capacity() <= kKeepBuffer) {
    pending.clear();
    out_.swap(pending);
  }
  co_return Result<void>{};
}

Task<Result<void>> Stream::write_all(std::string_view bytes, Deadline deadline) {
  CO_TRY_VOID(co_await flush(deadline));
  co_return co_await send(bytes, deadline);
}

}  // namespace dromos::net
