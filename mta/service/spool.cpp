#include "mta/service/spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace dromos::mta {
namespace {

constexpr size_t kWriteSize = 64 * 1024;

// A file without a name: it cannot be left behind.
int open_temporary(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = folder + "/dromos-mta-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

bool ByteBudget::take(uint64_t bytes) {
  uint64_t before = used_.load(std::memory_order_relaxed);
  do {
    if (before + bytes > limit_) return false;
  } while (!used_.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  return true;
}

Spool::Spool(ByteBudget& budget, uint64_t memory_limit, std::string folder)
    : budget_(budget), memory_limit_(memory_limit), folder_(std::move(folder)) {}

Spool::~Spool() {
  if (map_ != nullptr) ::munmap(map_, map_size_);
  if (fd_ >= 0) ::close(fd_);
  budget_.give(taken_);
}

void Spool::broken(std::string what) {
  if (error_.empty()) error_ = std::move(what) + ": " + std::strerror(errno);
  memory_ = std::string();
}

void Spool::append(std::string_view run) {
  if (no_room_ || !error_.empty()) return;
  size_ += run.size();
  while (taken_ < size_) {
    if (!budget_.take(kBudgetStep)) {
      no_room_ = true;
      memory_ = std::string();
      return;
    }
    taken_ += kBudgetStep;
  }
  memory_.append(run);
  if (fd_ < 0 && memory_.size() > memory_limit_) to_file();
  if (fd_ >= 0 && memory_.size() >= kWriteSize) write_pending();
}

void Spool::to_file() {
  fd_ = open_temporary(folder_);
  if (fd_ < 0) return broken("temporary file in " + folder_);
  if (::lseek(fd_, kHeadRoom, SEEK_SET) < 0) return broken("temporary file");
  write_pending();
}

void Spool::write_pending() {
  size_t done = 0;
  while (done < memory_.size()) {
    const ssize_t put = ::write(fd_, memory_.data() + done, memory_.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return broken("writing a temporary file");
    done += static_cast<size_t>(put);
  }
  memory_.clear();
}

Result<void> Spool::seal() {
  if (fd_ >= 0 && error_.empty() && !no_room_) {
    write_pending();
    memory_ = std::string();
    map_size_ = kHeadRoom + size_;
    // Private: what is put in front stays in memory.
    void* map =
        error_.empty() ? ::mmap(nullptr, map_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd_, 0) : MAP_FAILED;
    if (map == MAP_FAILED)
      broken("mapping a temporary file");
    else
      map_ = static_cast<char*>(map);
  }
  if (no_room_) return fail(Errc::limit_exceeded, "too much mail in flight", Retry::temporary);
  if (!error_.empty()) return fail(Errc::unavailable, error_, Retry::temporary);
  return {};
}

std::string_view Spool::content() const {
  if (map_ != nullptr) return {map_ + map_size_ - size_, size_};
  return std::string_view(memory_).substr(memory_.size() - size_);
}

void Spool::remove(const std::vector<ByteRange>& ranges) {
  if (ranges.empty()) return;
  char* const begin = map_ != nullptr ? map_ + map_size_ - size_ : memory_.data() + memory_.size() - size_;
  size_t put = ranges.back().offset + ranges.back().length;
  for (size_t i = ranges.size(); i-- > 0;) {
    const size_t from = i == 0 ? 0 : ranges[i - 1].offset + ranges[i - 1].length;
    const size_t kept = ranges[i].offset - from;
    put -= kept;
    std::memmove(begin + put, begin + from, kept);
  }
  size_ -= put;
}

std::string_view Spool::with_head(std::string_view head) {
  if (map_ == nullptr) {
    memory_.replace(0, memory_.size() - size_, head);
    return memory_;
  }
  if (head.size() > kHeadRoom) head = head.substr(0, head.rfind("\r\n", kHeadRoom - 2) + 2);
  char* begin = map_ + map_size_ - size_ - head.size();
  std::memcpy(begin, head.data(), head.size());
  return {begin, head.size() + size_};
}

}  // namespace dromos::mta
