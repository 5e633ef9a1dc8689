// Blobs as rows: header and first body chunk in mail.blob, the rest in mail.blob_chunk.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/async/offload.h"
#include "common/db/transaction.h"
#include "common/store/blob_rows.h"
#include "common/store/chunks.h"
#include "common/store/errc.h"
#include "common/store/partition.h"
#include "common/store/queue_body.h"

namespace dromos::store {
namespace {

const db::Statement kTouch{"store_blob_touch", "SELECT mail.blob_touch_v1($1, $2)"};
const db::Statement kChunk{"store_blob_chunk", "SELECT mail.blob_chunk_v1($1, $2, $3, $4, $5)"};
const db::Statement kStage{"store_blob_stage",
                           "SELECT mail.blob_stage_v1($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
const db::Statement kCopy{"store_blob_copy", "SELECT mail.blob_stage_copy_v1($1, $2, $3)"};
const AccountStatement kBlob{
    "store_blob",
    "SELECT size, header_size, chunks, codec, location, header, body FROM mail.blob_p%p "
    "WHERE account_id = $1 AND hash = $2"};
const AccountStatement kReadChunk{
    "store_blob_read_chunk",
    "SELECT codec, data FROM mail.blob_chunk_p%p WHERE account_id = $1 AND hash = $2 AND chunk_no = $3"};
const db::Statement kQueueBody{"store_queue_body_stage", "SELECT queue.body_stage_v1($1, $2, $3)"};
const db::Statement kQueueChunk{"store_queue_chunk", "SELECT queue.body_chunk_v1($1, $2, $3, $4)"};

class PostgresBlobStore : public BlobStore {
 public:
  explicit PostgresBlobStore(db::Pool& pool) : pool_(pool) {}
  bool takes_inline() const override { return true; }

  Task<Result<BlobInfo>> stage(std::vector<AccountId> accounts, const BlobSource& source,
                               uint64_t header_size, Deadline deadline) override {
    BlobInfo info{hash_of(source), source.size(), header_size};
    AccountId staged;  // one that we have just staged, to copy from
    for (AccountId account : accounts) {
      CO_TRY(const bool there, co_await touch_blob(pool_, account, info.hash, deadline));
      if (there) continue;
      if (staged) {
        const int64_t to[] = {account.value};
        db::Params copy;
        copy.add(staged).add_bytes(as_view(info.hash)).add_array(std::span<const int64_t>(to));
        CO_TRY(const auto rows, co_await pool_.exec(kCopy, std::move(copy), deadline));
        if (rows.integers(0, 0).size() == 1) continue;
      }
      CO_TRY_VOID(co_await send(account, info, source, deadline));
      staged = account;
    }
    co_return info;
  }

  Task<Result<void>> read(AccountId account, BlobHash hash, uint64_t offset, uint64_t length,
                          std::function<Task<Result<void>>(std::string_view)> on_piece,
                          Deadline deadline) override {
    return read_blob(pool_, nullptr, account, hash, offset, length, std::move(on_piece), deadline);
  }

  Task<Result<BlobInfo>> stat(AccountId account, BlobHash hash, Deadline deadline) override {
    return stat_blob(pool_, account, hash, deadline);
  }

 private:
  Task<Result<void>> send(AccountId account, const BlobInfo& info, const BlobSource& source,
                          Deadline deadline) {
    CO_TRY(auto lease, co_await pool_.acquire(deadline));
    CO_TRY(auto transaction, co_await db::Transaction::begin(*lease, deadline));
    const int32_t count = chunk_count(info.size, info.header_size);
    for (int32_t number = 2; number < count; ++number) {
      CO_TRY(const std::string data,
             co_await packed_chunk(source, chunk_span(info.size, info.header_size, number)));
      db::Params params;
      params.add(account)
          .add_bytes(as_view(info.hash))
          .add_int32(number)
          .add_int32(kCodecZstd)
          .add_bytes(data);
      CO_TRY_VOID(co_await transaction.exec(kChunk, std::move(params), deadline));
    }
    CO_TRY(const std::string header,
           co_await packed_chunk(source, chunk_span(info.size, info.header_size, 0)));
    CO_TRY(const std::string body, co_await packed_chunk(source, chunk_span(info.size, info.header_size, 1)));
    db::Params params = stage_params(account, info, header, body, "");
    auto done = co_await transaction.exec(kStage, std::move(params), deadline);
    if (!done) co_return Unexpected(mapped(std::move(done).error()));
    co_return co_await transaction.commit(deadline);
  }

  db::Pool& pool_;
};

}  // namespace

std::unique_ptr<BlobStore> make_postgres_blob_store(db::Pool& pool) {
  return std::make_unique<PostgresBlobStore>(pool);
}

std::string_view as_view(const BlobHash& hash) {
  return crypto::as_bytes(hash);
}

BlobHash hash_of(const BlobSource& source) {
  crypto::Sha256Stream stream;
  for (uint64_t at = 0; at < source.size(); at += kChunkBytes) {
    auto piece = source.read(at, static_cast<size_t>(std::min<uint64_t>(kChunkBytes, source.size() - at)));
    if (!piece) break;  // staging reads it again and reports
    stream.update(*piece);
  }
  return stream.finish();
}

Result<std::string> FileSource::read(uint64_t offset, size_t length) const {
  std::string bytes(length, '\0');
  size_t have = 0;
  while (have < length) {
    const ssize_t got = pread(fd_, bytes.data() + have, length - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Errc::unavailable, "reading a spooled message failed", Retry::temporary);
    have += static_cast<size_t>(got);
  }
  return bytes;
}

Task<Result<std::string>> packed_chunk(const BlobSource& source, ChunkSpan span) {
  auto bytes = source.read(span.offset, span.length);
  if (!bytes) co_return Unexpected(std::move(bytes).error());
  if (bytes->size() <= 16 * 1024) co_return pack(*bytes);
  auto work = [raw = std::move(*bytes)] { return pack(raw); };
  co_return co_await offload(std::move(work));
}

Task<Result<bool>> touch_blob(db::Pool& pool, AccountId account, BlobHash hash, Deadline deadline) {
  db::Params params;
  params.add(account).add_bytes(as_view(hash));
  CO_TRY(const auto rows, co_await pool.exec(kTouch, std::move(params), deadline));
  co_return rows.boolean(0, 0);
}

db::Params stage_params(AccountId account, const BlobInfo& info, std::string_view header,
                        std::string_view body, std::string_view location) {
  db::Params params;
  params.add(account).add_bytes(as_view(info.hash)).add(static_cast<int64_t>(info.size));
  params.add(static_cast<int64_t>(info.header_size))
      .add_int32(chunk_count(info.size, info.header_size))
      .add_int32(kCodecZstd);
  params.add_bytes(header).add_bytes(body).add(location);
  return params;
}

Task<Result<void>> stage_location(db::Pool& pool, AccountId account, const BlobInfo& info,
                                  std::string location, Deadline deadline) {
  auto done = co_await pool.exec(kStage, stage_params(account, info, "", "", location), deadline);
  if (!done) co_return Unexpected(mapped(std::move(done).error()));
  // False: somebody else staged the same bytes first, our file is not the one named.
  if (!done->boolean(0, 0)) co_return fail(StoreErrc::exists, "staged by another");
  co_return Result<void>{};
}

Task<Result<BlobInfo>> stat_blob(db::Pool& pool, AccountId account, BlobHash hash, Deadline deadline) {
  db::Params params;
  params.add(account).add_bytes(as_view(hash));
  CO_TRY(const auto rows, co_await pool.exec(kBlob.of(account), std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "no such blob");
  co_return BlobInfo{hash, static_cast<uint64_t>(rows.integer(0, 0)),
                     static_cast<uint64_t>(rows.integer(0, 1))};
}

Task<Result<void>> read_blob(db::Pool& pool, ReadExternal external, AccountId account, BlobHash hash,
                             uint64_t offset, uint64_t length,
                             std::function<Task<Result<void>>(std::string_view)> on_piece,
                             Deadline deadline) {
  db::Params params;
  params.add(account).add_bytes(as_view(hash));
  CO_TRY(const auto blob, co_await pool.exec(kBlob.of(account), std::move(params), deadline));
  if (blob.empty()) co_return fail(StoreErrc::not_found, "no such blob");
  const auto size = static_cast<uint64_t>(blob.integer(0, 0));
  const auto header_size = static_cast<uint64_t>(blob.integer(0, 1));
  const int64_t chunks = blob.integer(0, 2);
  const uint64_t end = length == 0 ? size : std::min(size, offset + length);
  for (int32_t number = 0; number < chunks; ++number) {
    const ChunkSpan span = chunk_span(size, header_size, number);
    if (span.offset + span.length <= offset || span.offset >= end) continue;
    std::string piece;
    if (!blob.is_null(0, 4)) {
      if (external == nullptr)
        co_return fail(StoreErrc::blob_gone, "bytes are in an external store", Retry::temporary);
      CO_TRY(piece, external(blob.text(0, 4), number));
    } else if (number <= 1) {
      CO_TRY(piece, unpack(blob.integer(0, 3), blob.bytes(0, number == 0 ? 5 : 6)));
    } else {
      db::Params chunk;
      chunk.add(account).add_bytes(as_view(hash)).add_int32(number);
      CO_TRY(const auto rows, co_await pool.exec(kReadChunk.of(account), std::move(chunk), deadline));
      if (rows.empty()) co_return fail(StoreErrc::blob_gone, "a chunk of the blob is missing");
      CO_TRY(piece, unpack(rows.integer(0, 0), rows.bytes(0, 1)));
    }
    if (piece.size() != span.length) co_return fail(StoreErrc::blob_gone, "a chunk has the wrong size");
    const uint64_t from = offset > span.offset ? offset - span.offset : 0;
    const uint64_t to = std::min<uint64_t>(span.length, end - span.offset);
    CO_TRY_VOID(co_await on_piece(std::string_view(piece).substr(from, to - from)));
  }
  co_return Result<void>{};
}

namespace {
Task<Result<void>> append_piece(std::string* out, size_t limit, std::string_view piece) {
  if (out->size() + piece.size() > limit)
    co_return fail(Errc::limit_exceeded, "blob is larger than asked for");
  out->append(piece);
  co_return Result<void>{};
}
}  // namespace

Task<Result<std::string>> BlobStore::read_all(AccountId account, BlobHash hash, size_t limit,
                                              Deadline deadline) {
  std::string out;
  std::string* target = &out;
  auto on_piece = [target, limit](std::string_view piece) { return append_piece(target, limit, piece); };
  CO_TRY_VOID(co_await read(account, hash, 0, 0, on_piece, deadline));
  co_return out;
}

Task<Result<void>> stage_queue_body(db::Pool& pool, Uuid body, const BlobSource& source, uint64_t header_size,
                                    Deadline deadline) {
  CO_TRY(auto lease, co_await pool.acquire(deadline));
  CO_TRY(auto transaction, co_await db::Transaction::begin(*lease, deadline));
  const int32_t count = chunk_count(source.size(), header_size);
  db::Params head;
  head.add(body).add(static_cast<int64_t>(source.size())).add_int32(count);
  CO_TRY_VOID(co_await transaction.exec(kQueueBody, std::move(head), deadline));
  for (int32_t number = 0; number < count; ++number) {
    CO_TRY(const std::string data,
           co_await packed_chunk(source, chunk_span(source.size(), header_size, number)));
    db::Params params;
    params.add(body).add_int32(number).add_int32(kCodecZstd).add_bytes(data);
    CO_TRY_VOID(co_await transaction.exec(kQueueChunk, std::move(params), deadline));
  }
  co_return co_await transaction.commit(deadline);
}

}  // namespace dromos::store
