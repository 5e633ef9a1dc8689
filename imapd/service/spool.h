// Spool: octets of a message being appended: in memory while small, else in a nameless temporary file that
// the kernel removes with its descriptor. bytes() maps the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/store/blob_store.h"

namespace dromos::imapd {

class Spool {
 public:
  static constexpr size_t kMemory = 64 * 1024;
  Spool() = default;
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  Result<void> write(std::string_view bytes);
  uint64_t size() const { return size_; }
  bool in_memory() const { return fd_ < 0; }
  /// All octets; valid until the next write. Fails only for want of address space.
  Result<std::string_view> bytes();

 private:
  Result<void> to_file();
  std::string memory_;
  int fd_ = -1;
  uint64_t size_ = 0;
  void* mapped_ = nullptr;
  uint64_t mapped_size_ = 0;
};

/// The spool as the store reads it; keeps it alive.
class SpoolSource : public store::BlobSource {
 public:
  explicit SpoolSource(std::shared_ptr<Spool> spool) : spool_(std::move(spool)) {}
  uint64_t size() const override { return spool_->size(); }
  Result<std::string> read(uint64_t offset, size_t length) const override;

 private:
  std::shared_ptr<Spool> spool_;
};

}  // namespace dromos::imapd
