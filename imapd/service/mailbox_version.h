// MailboxVersion: what a mailbox held at one modseq: uid, size, date, flags, modseq of each message, 24
// octets apiece. Immutable and shared: sessions keep the version they have announced (RFC 9051 §7.5.1) while
// the mailbox moves on.
//
// Items lie in chunks of at most kChunk. A version made by apply() shares all chunks that did not change with
// its ancestor, so following a mailbox costs what changed, and compare() skips shared chunks. A guest with a
// \Seen of his own sees the same chunks through his SeenOverlay.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "imapd/protocol/sequence_set.h"
#include "imapd/service/seen_overlay.h"

namespace dromos::imapd {

struct MessageItem {
  uint32_t uid = 0;
  uint32_t size = 0;  // saturates
  int64_t modseq = 0;
  int64_t received : 36;      // seconds since 1970 UTC
  uint64_t flags : 5;         // Flag bits
  uint64_t keyword_set : 23;  // in the mailbox's KeywordSets
  MessageItem() : received(0), flags(0), keyword_set(0) {}
  bool same_flags(const MessageItem& other) const {
    return flags == other.flags && keyword_set == other.keyword_set;
  }
};
static_assert(sizeof(MessageItem) == 24);

class MailboxVersion;
using VersionPtr = std::shared_ptr<const MailboxVersion>;

class MailboxVersion {
 public:
  static constexpr size_t kChunk = 4096;
  using Chunk = std::vector<MessageItem>;
  using ChunkPtr = std::shared_ptr<const Chunk>;

  /// Items in uid order.
  class Builder {
   public:
    void add(const MessageItem& item);
    void add_chunk(ChunkPtr chunk);
    /// The next item begins a new chunk.
    void close();
    VersionPtr finish(int64_t modseq, uint64_t uidnext);

   private:
    std::vector<ChunkPtr> chunks_;
    std::shared_ptr<Chunk> open_;
  };

  uint32_t size() const { return starts_.back(); }
  /// Highest modseq and the next uid when this was the mailbox's state.
  int64_t modseq() const { return modseq_; }
  uint64_t uidnext() const { return uidnext_; }
  uint32_t max_uid() const { return chunks_.empty() ? 0 : chunks_.back()->back().uid; }
  /// 1 <= number <= size().
  MessageItem at(uint32_t number) const {
    MessageItem item = stored(number);
    if (overlay_) overlay_->apply(item);
    return item;
  }
  /// As all see it.
  const MessageItem& stored(uint32_t number) const;
  /// Message number of `uid`, 0 if there is none.
  uint32_t number_of(uint32_t uid) const;
  std::optional<MessageItem> find(uint32_t uid) const;
  /// How many have a uid below `uid`.
  uint32_t count_below(uint32_t uid) const;
  /// Number of the first message without \Seen, 0 if all have it.
  uint32_t first_unseen() const;
  /// Message numbers of the uids that exist, as ranges.
  NumberSet numbers_of(const NumberSet& uids) const;
  /// Uids of the message numbers, all of which must exist.
  NumberSet uids_of(const NumberSet& numbers) const;
  template <class Fn>
  void for_each(Fn fn) const {
    uint32_t number = 0;
    for (const ChunkPtr& chunk : chunks_)
      for (const MessageItem& item : *chunk) {
        if (!overlay_) {
          fn(++number, item);
          continue;
        }
        MessageItem seen = item;
        overlay_->apply(seen);
        fn(++number, static_cast<const MessageItem&>(seen));
      }
  }
  size_t memory() const { return size() * sizeof(MessageItem) + chunks_.size() * 64 + sizeof *this; }

  /// The next version. `changed` (new and altered items) is in uid order; uids in `expunged` go.
  VersionPtr apply(std::span<const MessageItem> changed, const NumberSet& expunged, int64_t modseq,
                   uint64_t uidnext) const;
  /// The next version, in which `alter` was done to the messages of `uids`, which then have that modseq. Null
  /// if this version lacks one of them.
  VersionPtr altered(const NumberSet& uids, const std::function<void(MessageItem&)>& alter,
                     int64_t modseq) const;
  /// This version with the messages of `announced` that are no more in it: for commands during which
  /// EXPUNGE may not be sent.
  VersionPtr with_ghosts(const MailboxVersion& announced) const;
  /// The same through another overlay, or none.
  VersionPtr seen_by(OverlayPtr overlay) const;
  const OverlayPtr& overlay() const { return overlay_; }
  static VersionPtr empty();

 private:
  friend class VersionCursor;
  size_t chunk_of(uint32_t number) const;
  std::vector<ChunkPtr> chunks_;
  std::vector<uint32_t> starts_{0};  // of chunk i, and the total
  int64_t modseq_ = 0;
  uint64_t uidnext_ = 1;
  OverlayPtr overlay_;  // apply() and altered() work on what all see, and leave it out
};

/// What a client that knows `before` must be told to know `after`.
struct VersionDifference {
  std::vector<uint32_t> expunged_numbers;  // in `before`, ascending
  std::vector<uint32_t> expunged_uids;     // the same messages
  std::vector<uint32_t> changed;           // numbers in `after`: modseq differs
  uint32_t added = 0;                      // at the end of `after`
};
VersionDifference compare(const MailboxVersion& before, const MailboxVersion& after);

}  // namespace dromos::imapd
