#include "imapd/service/mailbox_version.h"

#include <algorithm>

#include "imapd/protocol/flags.h"

namespace dromos::imapd {

void MailboxVersion::Builder::add(const MessageItem& item) {
  if (open_ && open_->size() >= kChunk) close();
  if (!open_) open_ = std::make_shared<Chunk>();
  open_->push_back(item);
}

void MailboxVersion::Builder::add_chunk(ChunkPtr chunk) {
  close();
  chunks_.push_back(std::move(chunk));
}

void MailboxVersion::Builder::close() {
  if (!open_) return;
  open_->shrink_to_fit();
  chunks_.push_back(std::move(open_));
  open_.reset();
}

VersionPtr MailboxVersion::Builder::finish(int64_t modseq, uint64_t uidnext) {
  close();
  auto version = std::make_shared<MailboxVersion>();
  version->chunks_ = std::move(chunks_);
  version->starts_.reserve(version->chunks_.size() + 1);
  for (const ChunkPtr& chunk : version->chunks_)
    version->starts_.push_back(version->starts_.back() + static_cast<uint32_t>(chunk->size()));
  version->modseq_ = modseq;
  // Entries newer than the state read with them may have come early.
  version->uidnext_ = std::max<uint64_t>(uidnext, uint64_t{version->max_uid()} + 1);
  return version;
}

VersionPtr MailboxVersion::empty() {
  static const VersionPtr none = std::make_shared<MailboxVersion>();
  return none;
}

size_t MailboxVersion::chunk_of(uint32_t number) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), number - 1);
  return static_cast<size_t>(after - starts_.begin()) - 1;
}

const MessageItem& MailboxVersion::stored(uint32_t number) const {
  const size_t chunk = chunk_of(number);
  return (*chunks_[chunk])[number - 1 - starts_[chunk]];
}

uint32_t MailboxVersion::count_below(uint32_t uid) const {
  const auto chunk = std::lower_bound(chunks_.begin(), chunks_.end(), uid,
                                      [](const ChunkPtr& c, uint32_t u) { return c->back().uid < u; });
  if (chunk == chunks_.end()) return size();
  const auto item = std::lower_bound((*chunk)->begin(), (*chunk)->end(), uid,
                                     [](const MessageItem& i, uint32_t u) { return i.uid < u; });
  return starts_[static_cast<size_t>(chunk - chunks_.begin())] +
         static_cast<uint32_t>(item - (*chunk)->begin());
}

uint32_t MailboxVersion::number_of(uint32_t uid) const {
  const uint32_t below = count_below(uid);
  return below < size() && stored(below + 1).uid == uid ? below + 1 : 0;
}

std::optional<MessageItem> MailboxVersion::find(uint32_t uid) const {
  const uint32_t number = number_of(uid);
  if (number == 0) return std::nullopt;
  return at(number);
}

uint32_t MailboxVersion::first_unseen() const {
  if (overlay_) {
    for (uint32_t number = 1; number <= size(); ++number)
      if ((at(number).flags & kFlagSeen) == 0) return number;
    return 0;
  }
  for (size_t i = 0; i < chunks_.size(); ++i) {
    const Chunk& chunk = *chunks_[i];
    for (size_t k = 0; k < chunk.size(); ++k)
      if ((chunk[k].flags & kFlagSeen) == 0) return starts_[i] + static_cast<uint32_t>(k) + 1;
  }
  return 0;
}

NumberSet MailboxVersion::numbers_of(const NumberSet& uids) const {
  NumberSet numbers;
  for (const NumberRange& range : uids.ranges()) {
    const uint32_t first = count_below(range.first) + 1;
    const uint32_t last = range.last == UINT32_MAX ? size() : count_below(range.last + 1);
    if (first <= last) numbers.add(first, last);
  }
  return numbers;
}

NumberSet MailboxVersion::uids_of(const NumberSet& numbers) const {
  NumberSet uids;
  numbers.for_each([&](uint32_t number) { uids.add(stored(number).uid); });
  return uids;
}

VersionPtr MailboxVersion::apply(std::span<const MessageItem> changed, const NumberSet& expunged,
                                 int64_t modseq, uint64_t uidnext) const {
  Builder builder;
  auto next = changed.begin();
  for (size_t c = 0; c < chunks_.size(); ++c) {
    const Chunk& chunk = *chunks_[c];
    const bool last = c + 1 == chunks_.size();
    const uint32_t end = chunk.back().uid;
    const bool touched = next != changed.end() && (next->uid <= end || (last && chunk.size() < kChunk));
    const NumberSet gone = expunged.intersect(NumberSet{{chunk.front().uid, end}});
    if (!touched && gone.empty()) {
      builder.add_chunk(chunks_[c]);
      continue;
    }
    for (const MessageItem& item : chunk) {
      for (; next != changed.end() && next->uid < item.uid; ++next) builder.add(*next);
      if (next != changed.end() && next->uid == item.uid)
        builder.add(*next++);
      else if (!gone.contains(item.uid))
        builder.add(item);
    }
    if (!last) builder.close();
  }
  for (; next != changed.end(); ++next) builder.add(*next);
  return builder.finish(modseq, uidnext);
}

VersionPtr MailboxVersion::altered(const NumberSet& uids, const std::function<void(MessageItem&)>& alter,
                                   int64_t modseq) const {
  const NumberSet numbers = numbers_of(uids);
  if (numbers.count() != uids.count()) return nullptr;
  Builder builder;
  for (size_t c = 0; c < chunks_.size(); ++c) {
    const uint32_t before = starts_[c];
    const NumberSet here = numbers.intersect(NumberSet{{before + 1, starts_[c + 1]}});
    if (here.empty()) {
      builder.add_chunk(chunks_[c]);
      continue;
    }
    auto chunk = std::make_shared<Chunk>(*chunks_[c]);
    here.for_each([&](uint32_t number) {
      MessageItem& item = (*chunk)[number - before - 1];
      alter(item);
      item.modseq = modseq;
    });
    builder.add_chunk(std::move(chunk));
  }
  return builder.finish(modseq, uidnext_);
}

VersionPtr MailboxVersion::with_ghosts(const MailboxVersion& announced) const {
  const VersionDifference difference = compare(announced, *this);
  std::vector<MessageItem> ghosts;
  for (const uint32_t number : difference.expunged_numbers) ghosts.push_back(announced.stored(number));
  const VersionPtr with = apply(ghosts, {}, modseq_, uidnext_);
  if (!overlay_) return with;
  return with->seen_by(announced.overlay_ ? overlay_->keeping(difference.expunged_uids, *announced.overlay_)
                                          : overlay_);
}

VersionPtr MailboxVersion::seen_by(OverlayPtr overlay) const {
  auto version = std::make_shared<MailboxVersion>(*this);
  version->overlay_ = std::move(overlay);
  return version;
}

/// Walks a version item by item, or over a whole chunk.
class VersionCursor {
 public:
  explicit VersionCursor(const MailboxVersion& version) : version_(version) {}
  bool done() const { return chunk_ == version_.chunks_.size(); }
  uint32_t uid() const { return chunk()[offset_].uid; }
  MessageItem item() const {
    MessageItem item = chunk()[offset_];
    if (version_.overlay_) version_.overlay_->apply(item);
    return item;
  }
  uint32_t number() const { return version_.starts_[chunk_] + static_cast<uint32_t>(offset_) + 1; }
  /// Both are at the first item of a chunk that they share and see alike.
  bool shares_chunk(const VersionCursor& other) const {
    return offset_ == 0 && other.offset_ == 0 &&
           version_.chunks_[chunk_] == other.version_.chunks_[other.chunk_] &&
           SeenOverlay::same(version_.overlay_.get(), other.version_.overlay_.get(), chunk().front().uid,
                             chunk().back().uid);
  }
  void next() {
    if (++offset_ == version_.chunks_[chunk_]->size()) next_chunk();
  }
  void next_chunk() {
    ++chunk_;
    offset_ = 0;
  }

 private:
  const MailboxVersion::Chunk& chunk() const { return *version_.chunks_[chunk_]; }
  const MailboxVersion& version_;
  size_t chunk_ = 0;
  size_t offset_ = 0;
};

VersionDifference compare(const MailboxVersion& before, const MailboxVersion& after) {
  VersionDifference difference;
  if (&before == &after) return difference;
  VersionCursor old(before), now(after);
  while (!old.done()) {
    if (!now.done() && old.shares_chunk(now)) {
      old.next_chunk();
      now.next_chunk();
      continue;
    }
    if (now.done() || old.uid() < now.uid()) {
      difference.expunged_numbers.push_back(old.number());
      difference.expunged_uids.push_back(old.uid());
      old.next();
    } else if (old.uid() == now.uid()) {
      if (old.item().modseq != now.item().modseq) difference.changed.push_back(now.number());
      old.next();
      now.next();
    } else {
      now.next();  // uids only grow: never between known ones
    }
  }
  difference.added = now.done() ? 0 : after.size() - now.number() + 1;
  return difference;
}

}  // namespace dromos::imapd
