// Spool: the content of one message while it is received: in memory, beyond a limit in a temporary file that
// is gone with the process. All spools of the daemon share a byte budget, so that mail in flight cannot fill
// memory and disk. Failures (budget, file) are remembered and content is dropped from then on: the session
// reads on to the end of the message and then refuses it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/store/blob_store.h"

namespace dromos::mta {

/// Thread-safe count of bytes that may be in flight.
class ByteBudget {
 public:
  explicit ByteBudget(uint64_t limit) : limit_(limit) {}
  bool take(uint64_t bytes);
  void give(uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  /// Would `bytes` more fit now? For SIZE= at MAIL.
  bool has_room(uint64_t bytes) const { return used() + bytes <= limit_; }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> used_{0};
};

struct ByteRange {
  size_t offset = 0;
  size_t length = 0;
  bool operator==(const ByteRange&) const = default;
};

class Spool {
 public:
  /// Room in front of content in a file, for the header fields that are put there.
  static constexpr size_t kHeadRoom = 16 * 1024;
  /// Budget is taken in steps, to leave the counter alone for most runs.
  static constexpr uint64_t kBudgetStep = 64 * 1024;

  Spool(ByteBudget& budget, uint64_t memory_limit, std::string folder);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  bool has_room(uint64_t bytes) const { return budget_.has_room(bytes); }
  void append(std::string_view run);
  uint64_t size() const { return size_; }
  bool in_file() const { return fd_ >= 0; }

  /// Ends receiving. Temporary: no room in the budget (Errc::limit_exceeded), or the file failed.
  Result<void> seal();
  /// After seal(); the message as received.
  std::string_view content() const;
  /// After seal(), before with_head(): takes these ranges (ascending, apart) out of content. What is in front
  /// of them moves up, so this costs as much as there is up to the last of them.
  void remove(const std::vector<ByteRange>& ranges);
  /// After seal(), once: `head` put in front of content, as one view that lives as long as the spool.
  /// Longer than kHeadRoom is cut at a line.
  std::string_view with_head(std::string_view head);

 private:
  void to_file();
  void write_pending();
  void broken(std::string what);

  ByteBudget& budget_;
  const uint64_t memory_limit_;
  const std::string folder_;
  uint64_t taken_ = 0;
  uint64_t size_ = 0;
  std::string memory_;  // ends with all content, or holds what is not yet in the file
  int fd_ = -1;
  char* map_ = nullptr;  // ends with content
  size_t map_size_ = 0;
  std::string error_;
  bool no_room_ = false;
};

/// Part of a sealed spool as a source of the store.
class SpoolSource : public store::BlobSource {
 public:
  SpoolSource(std::shared_ptr<const Spool> spool, std::string_view view)
      : spool_(std::move(spool)), view_(view) {}
  uint64_t size() const override { return view_.size(); }
  Result<std::string> read(uint64_t offset, size_t length) const override {
    return std::string(view_.substr(offset, length));
  }

 private:
  std::shared_ptr<const Spool> spool_;
  std::string_view view_;
};

}  // namespace dromos::mta
