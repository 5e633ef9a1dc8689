// RecentMessages: what a FETCH of few messages has read of them, for the whole process, within a byte budget:
// a client that shows a message asks for it in parts, and the next client of the mailbox for the same parts.
// What a UID names never changes, so nothing here becomes wrong; whether the message is still there is asked
// of the mailbox's version. Thread-safe; what is kept is immutable.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/store/blob_store.h"
#include "imapd/service/chunk_cache.h"
#include "imapd/service/shared_mailbox.h"

namespace dromos::imapd {

/// What was read of one message; the octets are the reader's.
struct RecentParts {
  MessageId id;
  ThreadId thread;  // with facts
  store::BlobHash blob{};
  std::optional<std::string_view> facts;
  std::optional<std::string_view> raw;
  std::optional<std::string_view> header;  // of the message itself, with its empty line
};

/// Of one message. Each part is there, or was not read (or is too large).
struct RecentMessage {
  MessageId id;
  ThreadId thread;
  store::BlobHash blob{};
  std::optional<std::string> facts;
  std::optional<std::string> raw;
  std::optional<std::string> header;

  size_t memory() const;
  /// Its parts as a number: larger with one more part (ChunkCache keeps what knows more).
  uint32_t through() const { return (facts ? 1U : 0U) | (header ? 2U : 0U) | (raw ? 4U : 0U); }
};

class RecentMessages : public ChunkCache<RecentMessage> {
 public:
  /// Messages of one FETCH: more are read in order, once, and would only push out others.
  static constexpr size_t kFew = 64;
  static constexpr size_t kMaxRaw = 64 * 1024;

  explicit RecentMessages(size_t budget);
  /// Null: nothing is kept, or the message is not in the mailbox any more.
  std::shared_ptr<const RecentMessage> of(const SharedMailbox& mailbox, uint32_t uid);
  /// Adds these parts to what is kept.
  void add(const SharedMailbox& mailbox, uint32_t uid, const RecentParts& parts);

 private:
  static Key key_of(const SharedMailbox& mailbox, uint32_t uid) {
    return {mailbox.account(), mailbox.id(), mailbox.uidvalidity(), uid};
  }
};

}  // namespace dromos::imapd
