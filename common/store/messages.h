// Messages: facts, headers, raw bytes and text extracts, streamed in uid order or by id. Ranges of kRange
// uids, each its own statement and snapshot, in single-row mode; between ranges a slow client holds nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/blob_store.h"
#include "common/store/types.h"
#include "common/store/uid_set.h"

namespace dromos::store {

/// A row of mail.message; views live during the callback.
struct MessageFacts {
  uint32_t uid = 0;  ///< 0 when asked by id
  MessageId id;
  ThreadId thread;
  int64_t size = 0;
  int64_t received_us = 0;
  int64_t created_modseq = 0;
  int32_t facts_version = 0;
  BlobHash blob{};
  TraceId trace;
  std::string_view facts;
};

class Messages {
 public:
  static constexpr uint32_t kRange = 1024;
  Messages(db::Pool& pool, BlobStore& blobs) : pool_(pool), blobs_(blobs) {}

  using OnFacts = std::function<Task<Result<void>>(const MessageFacts&)>;
  /// Facts of the given uids that are there, in uid order.
  Task<Result<void>> stream_facts(AccountId account, MailboxId mailbox, const UidSet& uids, OnFacts on_facts,
                                  Deadline deadline);
  Task<Result<void>> facts_of(AccountId account, std::vector<MessageId> ids, OnFacts on_facts,
                              Deadline deadline);

  /// Whole raw messages in uid order. Messages over kChunkBytes of body come with `whole` false: read them
  /// with BlobStore::read.
  struct Raw {
    uint32_t uid = 0;
    MessageId id;
    BlobHash blob{};
    bool whole = true;
    std::string bytes;
  };
  Task<Result<void>> stream_raw(AccountId account, MailboxId mailbox, const UidSet& uids,
                                std::function<Task<Result<void>>(Raw)> on_raw, Deadline deadline);
  /// Raw headers (a chunk of their own, with the empty line) in uid order. Over kHeaderBytes, or in an
  /// external store: `whole` is false, read_raw has them.
  static constexpr uint64_t kHeaderBytes = 16 * 1024;
  struct Header {
    uint32_t uid = 0;
    MessageId id;
    BlobHash blob{};
    bool whole = true;
    std::string bytes;
  };
  /// Headers as they are stored, to be unpacked off the reactor: the rows of at most kRange uids. Its reading
  /// functions may be called on any thread.
  class PackedHeaders {
   public:
    explicit PackedHeaders(db::Rows rows) : rows_(std::move(rows)) {}
    size_t size() const { return rows_.size(); }
    /// With bytes, if it is whole; damaged bytes count as not whole: who reads the message is told of them.
    Header header(size_t row) const;

   private:
    db::Rows rows_;
  };
  Task<Result<PackedHeaders>> packed_headers(AccountId account, MailboxId mailbox, UidSet::Range range,
                                             Deadline deadline);
  Task<Result<void>> each_header(AccountId account, MailboxId mailbox, const UidSet& uids,
                                 std::function<void(Header)> on_header, Deadline deadline);
  /// Raw bytes of one message in pieces; only if the account has an entry of it.
  Task<Result<void>> read_raw(AccountId account, MessageId id, uint64_t offset, uint64_t length,
                              std::function<Task<Result<void>>(std::string_view)> on_piece,
                              Deadline deadline);

  /// Case-folded extracts in uid order, unpacked. False from `on_text` stops.
  struct Text {
    uint32_t uid = 0;
    MessageId id;
    bool truncated = false;
    std::string text;
  };
  Task<Result<void>> stream_text(AccountId account, MailboxId mailbox, const UidSet& uids,
                                 std::function<bool(const Text&)> on_text, Deadline deadline);

  /// Extracts as they are stored, to be unpacked off the reactor: the rows of at most kTextRange uids. Its
  /// reading functions may be called on any thread.
  class PackedTexts {
   public:
    explicit PackedTexts(db::Rows rows) : rows_(std::move(rows)) {}
    size_t size() const { return rows_.size(); }
    uint32_t uid(size_t row) const { return static_cast<uint32_t>(rows_.integer(row, 0)); }
    bool truncated(size_t row) const { return rows_.boolean(row, 2); }
    /// Left out for its size: ask for it alone.
    bool left_out(size_t row) const { return rows_.is_null(row, 4); }
    Result<std::string> text(size_t row) const;

   private:
    db::Rows rows_;
  };
  static constexpr uint32_t kTextRange = 256;
  static constexpr int64_t kPackedTextBytes = 64 * 1024;
  /// A range of one uid is never left out.
  Task<Result<PackedTexts>> packed_texts(AccountId account, MailboxId mailbox, UidSet::Range range,
                                         Deadline deadline);

  /// Facts made anew by a later parser.
  Task<Result<void>> rewrite_facts(AccountId account, std::vector<MessageId> ids, int32_t version,
                                   std::vector<std::string> facts, Deadline deadline);

 private:
  db::Pool& pool_;
  BlobStore& blobs_;
};

}  // namespace dromos::store
