#include "jmapd/http/blob_routes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/http/conditional.h"
#include "common/http/json.h"
#include "common/http/path.h"
#include "common/http/problem.h"
#include "common/store/errc.h"
#include "jmapd/http/api.h"
#include "jmapd/http/login.h"
#include "jmapd/service/blobs.h"

namespace dromos::jmapd {
namespace {

/// Uploads stay in memory up to here, then go to an unlinked file.
constexpr size_t kMemoryUpload = 1024 * 1024;
constexpr milliseconds kBlobTime{60'000};
constexpr size_t kHeaderSearch = 256 * 1024;
constexpr size_t kMaxType = 255;

/// type "/" subtype, tokens only: what else a client says is never sent back as a header.
bool is_media_type(std::string_view text) {
  const size_t slash = text.find('/');
  return text.size() <= kMaxType && slash != std::string_view::npos &&
         http::is_token(text.substr(0, slash)) && http::is_token(text.substr(slash + 1));
}

class Spool {
 public:
  Spool() = default;
  ~Spool() {
    if (fd_ >= 0) ::close(fd_);
  }
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  Result<void> add(std::string_view bytes) {
    if (size_ < kHeaderSearch) head_.append(bytes.substr(0, kHeaderSearch - size_));
    size_ += bytes.size();
    if (fd_ < 0 && size_ <= kMemoryUpload) {
      memory_.append(bytes);
      return {};
    }
    if (fd_ < 0) {
      fd_ = ::open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
      if (fd_ < 0) return fail(Errc::unavailable, "no room for a temporary file", Retry::temporary);
      TRY_VOID(write(memory_));
      memory_ = {};
    }
    return write(bytes);
  }
  uint64_t size() const { return size_; }
  /// Up to and with the empty line; 0 if there is none.
  uint64_t header_size() const {
    const size_t at = head_.find("\r\n\r\n");
    return at == std::string::npos ? 0 : at + 4;
  }
  std::unique_ptr<store::BlobSource> source() const {
    if (fd_ >= 0) return std::make_unique<store::FileSource>(fd_, size_);
    return std::make_unique<store::StringSource>(memory_);
  }

 private:
  Result<void> write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::write(fd_, bytes.data(), bytes.size());
      if (done <= 0) return fail(Errc::unavailable, "writing a temporary file", Retry::temporary);
      bytes.remove_prefix(static_cast<size_t>(done));
    }
    return {};
  }

  std::string memory_;
  std::string head_;
  uint64_t size_ = 0;
  int fd_ = -1;
};

http::Response failure(const Error& error) {
  if (error.is(store::StoreErrc::not_found)) return http::problem(404, "no such blob");
  if (error.may_retry()) return http::problem(503, "the store is not available at the moment");
  return http::problem(error);
}

/// A stored blob, chunk by chunk as the client takes it.
class StoredBlob : public http::BodySource {
 public:
  /// Bytes from `first`, `count` of them.
  StoredBlob(Services& services, AccountId account, store::BlobHash hash, uint64_t first, uint64_t count)
      : services_(services), account_(account), hash_(hash), size_(count), at_(first), end_(first + count) {}
  std::optional<uint64_t> size() const override { return size_; }
  Task<Result<std::string_view>> next() override {
    piece_.clear();
    if (at_ >= end_) co_return std::string_view();
    const uint64_t length = std::min<uint64_t>(end_ - at_, store::kChunkBytes);
    const auto append = [this](std::string_view bytes) {
      piece_.append(bytes);
      return done();
    };
    CO_TRY_VOID(
        co_await services_.blobs->read(account_, hash_, at_, length, append, Deadline::after(kBlobTime)));
    if (piece_.empty()) co_return fail(Errc::internal, "a blob is shorter than it was");
    at_ += piece_.size();
    co_return std::string_view(piece_);
  }

 private:
  Services& services_;
  const AccountId account_;
  const store::BlobHash hash_;
  const uint64_t size_;
  uint64_t at_;
  const uint64_t end_;
  std::string piece_;
};

/// Mail is hostile: nothing of it runs or is guessed at, whatever it claims to be.
void add_blob_headers(http::Response& out, const http::Request& request, const std::string& name) {
  const std::string accept = request.query("accept").value_or("");
  out.headers.set("Content-Type", is_media_type(accept) ? accept : "application/octet-stream");
  out.headers.set("Content-Disposition",
                  "attachment; filename*=UTF-8''" + http::percent_encode(name.empty() ? "download" : name));
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.headers.set("Content-Security-Policy", "default-src 'none'; sandbox");
  out.headers.set("Cache-Control", "private, immutable, max-age=31536000");
}

/// 200, 206 (RFC 9110 §15.3.7), 304 or 416, with what goes with it. A blob never changes: its id is its tag.
http::Response head_of_blob(const http::Request& request, const std::string& etag, uint64_t size) {
  const int refused = http::check_preconditions(request.headers, request.method, etag);
  if (refused == 412) return http::problem(412, "the blob is another");
  http::Response out(refused != 0 ? refused : 200);
  out.headers.set("ETag", etag);
  out.headers.set("Accept-Ranges", "bytes");
  if (refused != 0) return out;
  using Kind = http::RangeAsked::Kind;
  const auto range = http::asked_range(request.headers, etag, size);
  if (range.kind == Kind::unsatisfiable) {
    http::Response none = http::problem(416, "no such range in the blob");
    none.headers.set("Content-Range", "bytes */" + std::to_string(size));
    return none;
  }
  if (range.kind == Kind::part) {
    out.status = 206;
    out.headers.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                         std::to_string(range.last) + "/" + std::to_string(size));
  }
  return out;
}

bool is_own(const http::Request& request, const Login& login) {
  const auto account = parse_account_id(request.parameter("accountId"));
  return account && *account == login.account;
}

}  // namespace

Task<http::Response> post_upload(Services& services, http::Request& request) {
  auto login = co_await log_in(services, request);
  if (!login) co_return std::move(login).error();
  if (!is_own(request, *login)) co_return http::problem(404, "no such account");
  const uint64_t limit = services.shared.limits.upload_size.bytes;
  const auto length = parse_number<uint64_t>(request.headers.value("Content-Length"));
  if (length && *length > limit)
    co_return jmap_problem(413, "limit", "the upload is too large", "maxSizeUpload");
  const auto slot = services.shared.uploads.enter(login->account);
  if (!slot) co_return jmap_problem(400, "limit", "too many uploads at once", "maxConcurrentUpload");
  Spool spool;
  while (true) {
    const auto piece = co_await request.read();
    if (!piece) co_return http::problem(piece.error());
    if (piece->empty()) break;
    if (spool.size() + piece->size() > limit)
      co_return jmap_problem(413, "limit", "the upload is too large", "maxSizeUpload");
    const auto added = spool.add(*piece);
    if (!added) co_return failure(added.error());
  }
  const auto source = spool.source();
  const std::vector<AccountId> accounts{login->account};
  const auto staged =
      co_await services.blobs->stage(accounts, *source, spool.header_size(), Deadline::after(kBlobTime));
  if (!staged) co_return failure(staged.error());
  const std::string type(request.headers.value("Content-Type"));
  const std::string shown = is_media_type(type.substr(0, type.find(';'))) ? type : "application/octet-stream";
  co_return http::json_response(201,
                                {{"accountId", to_text(login->account)},
                                 {"blobId", to_text(BlobId{std::string(store::as_view(staged->hash)), {}})},
                                 {"type", shown},
                                 {"size", spool.size()}});
}

Task<http::Response> get_download(Services& services, http::Request& request) {
  auto login = co_await log_in(services, request);
  if (!login) co_return std::move(login).error();
  const auto id = parse_blob_id(request.parameter("blobId"));
  if (!is_own(request, *login) || !id) co_return http::problem(404, "no such blob");
  std::string part;  // of a message, decoded
  uint64_t size = 0;
  if (id->parts.empty()) {
    const auto info = co_await services.blobs->stat(login->account, hash_of(*id), Deadline::after(kBlobTime));
    if (!info) co_return failure(info.error());
    size = info->size;
  } else {
    auto bytes = co_await load_blob(services, login->account, *id, Deadline::after(kBlobTime));
    if (!bytes) co_return http::problem(bytes.error().is("serverUnavailable") ? 503 : 404, "no such blob");
    part = std::move(*bytes);
    size = part.size();
  }
  const std::string etag = http::make_etag(request.parameter("blobId"));
  http::Response out = head_of_blob(request, etag, size);
  const auto range = http::asked_range(request.headers, etag, size);
  if (out.status != 200 && out.status != 206) co_return out;
  const uint64_t first = out.status == 206 ? range.first : 0;
  const uint64_t count = out.status == 206 ? range.last - range.first + 1 : size;
  if (id->parts.empty())
    out.source = std::make_unique<StoredBlob>(services, login->account, hash_of(*id), first, count);
  else
    out.body = part.substr(first, count);
  add_blob_headers(out, request, std::string(request.parameter("name")));
  co_return out;
}

}  // namespace dromos::jmapd
