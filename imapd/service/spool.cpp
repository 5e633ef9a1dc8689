#include "imapd/service/spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace dromos::imapd {
namespace {

Unexpected spool_error(const char* doing) {
  return fail(unavailable_error(std::string(doing) + " a temporary file: " + std::strerror(errno)));
}

Result<void> write_fully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return spool_error("writing");
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return {};
}

}  // namespace

Spool::~Spool() {
  if (mapped_ != nullptr) ::munmap(mapped_, mapped_size_);
  if (fd_ >= 0) ::close(fd_);
}

Result<void> Spool::to_file() {
  const char* folder = std::getenv("TMPDIR");
  fd_ = ::open(folder != nullptr ? folder : "/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ < 0) fd_ = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ < 0) return spool_error("making");
  TRY_VOID(write_fully(fd_, memory_));
  memory_ = std::string();
  return {};
}

Result<void> Spool::write(std::string_view bytes) {
  if (fd_ < 0 && size_ + bytes.size() > kMemory) TRY_VOID(to_file());
  if (fd_ < 0)
    memory_.append(bytes);
  else
    TRY_VOID(write_fully(fd_, bytes));
  size_ += bytes.size();
  return {};
}

Result<std::string_view> Spool::bytes() {
  if (fd_ < 0) return std::string_view(memory_);
  if (mapped_ != nullptr && mapped_size_ != size_) {
    ::munmap(mapped_, mapped_size_);
    mapped_ = nullptr;
  }
  if (mapped_ == nullptr) {
    void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
    if (at == MAP_FAILED) return spool_error("mapping");
    mapped_ = at;
    mapped_size_ = size_;
  }
  return std::string_view(static_cast<const char*>(mapped_), mapped_size_);
}

Result<std::string> SpoolSource::read(uint64_t offset, size_t length) const {
  TRY(const std::string_view all, spool_->bytes());
  if (offset > all.size() || all.size() - offset < length)
    return fail(Errc::invalid_argument, "reading past the end of a spool");
  return std::string(all.substr(offset, length));
}

}  // namespace dromos::imapd
