// SentSizes: the octets that RETR sends of each message (RFC 1939 §11, RFC 6856 §2.1), for STAT and LIST.
//
// Most messages are sent as they are stored: their facts say that the header is ASCII and all lines end in
// CRLF. The others (APPEND and import take any octets; facts of old do not say) are read once. What differs
// is kept for the process, a chunk of uids each, and never gets old: the octets behind a uid do not change.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "imapd/pop3/maildrop.h"
#include "imapd/service/chunk_cache.h"

namespace dromos::imapd::pop3 {

/// Of the messages in one range of uids those whose sent size is not the stored one.
class SentChunk {
 public:
  static constexpr uint32_t kUids = 1024;
  static uint32_t index_of(uint32_t uid) { return uid / kUids; }
  struct Row {
    uint32_t uid = 0;
    uint64_t as_is = 0;      // to clients with UTF8
    uint64_t surrogate = 0;  // to the others
  };

  SentChunk(std::vector<Row> rows, uint32_t through) : rows_(std::move(rows)), through_(through) {}
  const std::vector<Row>& rows() const { return rows_; }
  /// Null: it is sent as it is stored.
  const Row* find(uint32_t uid) const;
  /// All up to this uid is known.
  uint32_t through() const { return through_; }
  size_t memory() const { return sizeof *this + rows_.capacity() * sizeof(Row) + 96; }

 private:
  std::vector<Row> rows_;  // in uid order
  uint32_t through_;
};

/// Of the whole process.
class SentCache : public ChunkCache<SentChunk> {
 public:
  SentCache();
};

class SentSizes {
 public:
  /// `maildrop` outlives it.
  SentSizes(Worker& worker, AccountId account, const Maildrop& maildrop, bool utf8)
      : worker_(worker), account_(account), maildrop_(maildrop), utf8_(utf8) {}

  /// Whether of() may be asked for it without open().
  bool covers(const MessageItem& item) const {
    return chunk_ && index_ == SentChunk::index_of(item.uid) && item.uid <= chunk_->through();
  }
  /// Makes the message and its neighbours known, or the next of those before it, where much is to be read: a
  /// step of bounded length, so to be repeated until covers() says so.
  Task<Result<void>> open(const MessageItem& item, Deadline deadline);
  uint64_t of(const MessageItem& item) const;

 private:
  struct Unsure {
    uint32_t uid = 0;
    MessageId id;
    uint64_t size = 0;
  };
  Task<Result<std::vector<Unsure>>> unsure(uint32_t first, uint32_t last, Deadline deadline);
  Task<Result<void>> measure(std::span<const Unsure> messages, std::vector<SentChunk::Row>& rows,
                             Deadline deadline);
  Task<Result<void>> measure_alone(const Unsure& message, std::vector<SentChunk::Row>& rows,
                                   Deadline deadline);

  Worker& worker_;
  const AccountId account_;
  const Maildrop& maildrop_;
  const bool utf8_;
  std::shared_ptr<const SentChunk> chunk_;
  uint32_t index_ = 0;
};

}  // namespace dromos::imapd::pop3
