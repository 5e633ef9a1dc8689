// Blobs as files: "<aa>/<name>", name a fresh UUID that is never used again. A file holds the chunk frames in
// order, each behind its length (4 bytes, big-endian). It is written under its final name, then file and
// directories are synced, and only then the row is made: a crash leaves at most a file that no row names.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/async/offload.h"
#include "common/base/strings.h"
#include "common/store/blob_rows.h"
#include "common/store/chunks.h"
#include "common/store/errc.h"

namespace dromos::store {
namespace {

Unexpected io_failed(const char* doing) {
  return fail(Errc::unavailable,
              std::string("blob folder: ") + doing + " failed, errno " + std::to_string(errno),
              Retry::temporary);
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

bool sync_directory(const std::string& path) {
  const Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  return directory.fd >= 0 && ::fsync(directory.fd) == 0;
}

std::string length_of(size_t size) {
  std::string out(4, '\0');
  for (size_t i = 0; i < 4; ++i) out[i] = static_cast<char>(size >> (24 - 8 * i));
  return out;
}

Result<void> write_file(const std::string& folder, const std::string& location, const BlobSource& source,
                        const BlobInfo& info) {
  const std::string directory = folder + "/" + location.substr(0, 2);
  // Whatever the umask: the other daemons are other users of the same group.
  if (::mkdir(directory.c_str(), 0770) == 0)
    ::chmod(directory.c_str(), 02770);
  else if (errno != EEXIST)
    return io_failed("mkdir");
  const Descriptor file{
      ::open((folder + "/" + location).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)};
  if (file.fd < 0) return io_failed("open");
  if (::fchmod(file.fd, 0640) != 0) return io_failed("chmod");
  const int32_t count = chunk_count(info.size, info.header_size);
  for (int32_t number = 0; number < count; ++number) {
    const ChunkSpan span = chunk_span(info.size, info.header_size, number);
    TRY(const std::string raw, source.read(span.offset, span.length));
    const std::string frame = pack(raw);
    if (!write_all(file.fd, length_of(frame.size())) || !write_all(file.fd, frame)) return io_failed("write");
  }
  if (::fsync(file.fd) != 0) return io_failed("fsync");
  if (!sync_directory(directory) || !sync_directory(folder)) return io_failed("fsync of the directory");
  return {};
}

Result<std::string> read_frame(const std::string& path, int32_t number) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return fail(StoreErrc::blob_gone, "file of the blob is missing");
  off_t at = 0;
  for (int32_t skip = 0;; ++skip) {
    unsigned char head[4];
    if (::pread(file.fd, head, 4, at) != 4)
      return fail(StoreErrc::blob_gone, "file of the blob is cut short");
    const size_t size = size_t{head[0]} << 24 | size_t{head[1]} << 16 | size_t{head[2]} << 8 | head[3];
    if (size > kMaxUnpacked) return fail(StoreErrc::blob_gone, "file of the blob is damaged");
    if (skip < number) {
      at += 4 + static_cast<off_t>(size);
      continue;
    }
    std::string frame(size, '\0');
    if (::pread(file.fd, frame.data(), size, at + 4) != static_cast<ssize_t>(size))
      return fail(StoreErrc::blob_gone, "file of the blob is cut short");
    return unpack(kCodecZstd, frame);
  }
}

class FolderBlobStore : public BlobStore {
 public:
  FolderBlobStore(db::Pool& pool, std::string folder) : pool_(pool), folder_(std::move(folder)) {}
  bool takes_inline() const override { return false; }

  Task<Result<BlobInfo>> stage(std::vector<AccountId> accounts, const BlobSource& source,
                               uint64_t header_size, Deadline deadline) override {
    const BlobInfo info{hash_of(source), source.size(), header_size};
    for (AccountId account : accounts) {
      CO_TRY(const bool there, co_await touch_blob(pool_, account, info.hash, deadline));
      if (there) continue;
      const std::string name = hex({reinterpret_cast<const char*>(Uuid::v7().bytes.data()), 16});
      std::string location = name.substr(30) + "/" + name;  // the last byte is random
      auto work = [this, &location, &source, &info] { return write_file(folder_, location, source, info); };
      CO_TRY_VOID(co_await offload(std::move(work)));
      auto staged = co_await stage_location(pool_, account, info, location, deadline);
      if (!staged) {
        // Unknown outcomes keep the file: an unnamed file is waste, a named one without bytes is lost mail.
        if (staged.error().is(StoreErrc::exists))
          ::unlink((folder_ + "/" + location).c_str());
        else
          co_return Unexpected(std::move(staged).error());
      }
    }
    co_return info;
  }

  Task<Result<void>> read(AccountId account, BlobHash hash, uint64_t offset, uint64_t length,
                          std::function<Task<Result<void>>(std::string_view)> on_piece,
                          Deadline deadline) override {
    auto external = [this](const std::string& location, int32_t number) {
      return read_frame(folder_ + "/" + location, number);
    };
    return read_blob(pool_, external, account, hash, offset, length, std::move(on_piece), deadline);
  }

  Task<Result<BlobInfo>> stat(AccountId account, BlobHash hash, Deadline deadline) override {
    return stat_blob(pool_, account, hash, deadline);
  }

 private:
  db::Pool& pool_;
  std::string folder_;
};

}  // namespace

std::unique_ptr<BlobStore> make_folder_blob_store(db::Pool& pool, std::string folder) {
  return std::make_unique<FolderBlobStore>(pool, std::move(folder));
}

std::unique_ptr<BlobStore> make_blob_store(db::Pool& pool, const std::string& folder) {
  return folder.empty() ? make_postgres_blob_store(pool) : make_folder_blob_store(pool, folder);
}

Result<void> check_blob_folder(const std::string& folder, bool write) {
  if (::access(folder.c_str(), X_OK | R_OK | (write ? W_OK : 0)) == 0) return {};
  return fail(Errc::unavailable, "blob folder " + folder + " (store.blobs.path): " + std::strerror(errno));
}

}  // namespace dromos::store
