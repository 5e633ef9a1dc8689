// Bytes of messages and uploads, by account and SHA-256. PostgreSQL (default) or a folder behind one
// interface.
//
// Small messages travel inside the delivery call; stage() is for those over kInlineBytes and for uploads.
// What is staged and not referenced is collected after 24 h. Bytes are durable when stage() returns. A hash
// opens nothing without the account that holds it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/crypto/crypto.h"
#include "common/db/pool.h"
#include "common/store/codec.h"

namespace dromos::store {

constexpr size_t kInlineBytes = 64 * 1024;

using BlobHash = crypto::Sha256;

/// Bytes to be stored, read in pieces: a string, or a spooled file.
class BlobSource {
 public:
  virtual ~BlobSource() = default;
  virtual uint64_t size() const = 0;
  /// Exactly `length` bytes. May block on the page cache only.
  virtual Result<std::string> read(uint64_t offset, size_t length) const = 0;
};

class StringSource : public BlobSource {
 public:
  /// The text must outlive the source.
  explicit StringSource(std::string_view text) : text_(text) {}
  uint64_t size() const override { return text_.size(); }
  Result<std::string> read(uint64_t offset, size_t length) const override {
    return std::string(text_.substr(offset, length));
  }

 private:
  std::string_view text_;
};

/// A file descriptor that stays the caller's.
class FileSource : public BlobSource {
 public:
  FileSource(int fd, uint64_t size) : fd_(fd), size_(size) {}
  uint64_t size() const override { return size_; }
  Result<std::string> read(uint64_t offset, size_t length) const override;

 private:
  int fd_;
  uint64_t size_;
};

struct BlobInfo {
  BlobHash hash{};
  uint64_t size = 0;
  uint64_t header_size = 0;
};

BlobHash hash_of(const BlobSource& source);
std::string_view as_view(const BlobHash& hash);

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  /// Whether small messages may travel in mail.deliver_v2 (rows in PostgreSQL).
  virtual bool takes_inline() const = 0;
  /// Makes the bytes durable and unreferenced for each account.
  virtual Task<Result<BlobInfo>> stage(std::vector<AccountId> accounts, const BlobSource& source,
                                       uint64_t header_size, Deadline deadline) = 0;
  /// Reads [offset, offset + length) of the raw bytes in pieces of at most kChunkBytes; length 0 means to the
  /// end. `on_piece` may suspend. StoreErrc::not_found if the account has no such blob.
  virtual Task<Result<void>> read(AccountId account, BlobHash hash, uint64_t offset, uint64_t length,
                                  std::function<Task<Result<void>>(std::string_view)> on_piece,
                                  Deadline deadline) = 0;
  /// The whole blob in memory; over `limit` bytes is Errc::limit_exceeded.
  Task<Result<std::string>> read_all(AccountId account, BlobHash hash, size_t limit, Deadline deadline);
  virtual Task<Result<BlobInfo>> stat(AccountId account, BlobHash hash, Deadline deadline) = 0;
};

std::unique_ptr<BlobStore> make_postgres_blob_store(db::Pool& pool);
/// Files below `folder`, one a blob, chunk frames in a row; file and directory are synced before the row is
/// written. Rows written by either kind are read by both as long as `folder` is there.
std::unique_ptr<BlobStore> make_folder_blob_store(db::Pool& pool, std::string folder);
/// A folder, or PostgreSQL if `folder` is empty.
std::unique_ptr<BlobStore> make_blob_store(db::Pool& pool, const std::string& folder);
/// Nothing is wrong with the folder: it is there and can be written (`write`) or read.
Result<void> check_blob_folder(const std::string& folder, bool write);

}  // namespace dromos::store
