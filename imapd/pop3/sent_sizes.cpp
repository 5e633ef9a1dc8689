#include "imapd/pop3/sent_sizes.h"

#include <algorithm>

#include "common/mime/facts.h"
#include "imapd/pop3/protocol/multiline.h"
#include "imapd/pop3/surrogate.h"

namespace dromos::imapd::pop3 {
namespace {

constexpr uint64_t kStepBytes = 64 * 1024 * 1024;
constexpr size_t kCacheBytes = 4 * 1024 * 1024;  // 30,000 chunks of mail that came by SMTP

Task<Result<void>> done() {
  co_return Result<void>{};
}

bool sent_as_stored(std::string_view facts) {
  const auto view = mime::FactsView::open(facts);
  return view && view->has_crlf_lines() && !view->has_8bit_header();
}

/// One message, piece by piece.
class Measure {
 public:
  void feed(std::string_view piece) {
    stored_ += piece.size();
    if (in_front_) {
      const size_t taken = std::min(piece.size(), kSurrogateFront - front_.size());
      front_.append(piece.substr(0, taken));
      piece.remove_prefix(taken);
      if (front_.size() == kSurrogateFront) end_front();
    }
    as_is_.feed(piece);
    surrogate_.feed(piece);
  }

  void finish(uint32_t uid, std::vector<SentChunk::Row>& rows) {
    if (in_front_) end_front();
    const SentChunk::Row row{uid, as_is_.total(), surrogate_.total()};
    if (row.as_is != stored_ || row.surrogate != stored_) rows.push_back(row);
  }

 private:
  void end_front() {
    in_front_ = false;
    const auto shown = surrogate_header(front_);
    if (shown) surrogate_.feed(shown->header);
    surrogate_.feed(std::string_view(front_).substr(shown ? shown->replaced_octets : 0));
    as_is_.feed(front_);
  }

  SentLength as_is_, surrogate_;
  uint64_t stored_ = 0;
  std::string front_;
  bool in_front_ = true;
};

}  // namespace

const SentChunk::Row* SentChunk::find(uint32_t uid) const {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), uid,
                                   [](const Row& row, uint32_t wanted) { return row.uid < wanted; });
  return at != rows_.end() && at->uid == uid ? &*at : nullptr;
}

SentCache::SentCache()
    : ChunkCache(kCacheBytes, metrics::gauge("dromos_imapd_pop3_sizes_bytes",
                                             "Memory of the sizes of messages that POP3 sends otherwise "
                                             "than they are stored.")) {}

uint64_t SentSizes::of(const MessageItem& item) const {
  const SentChunk::Row* row = chunk_->find(item.uid);
  if (row == nullptr) return item.size;
  return utf8_ ? row->as_is : row->surrogate;
}

Task<Result<void>> SentSizes::open(const MessageItem& item, Deadline deadline) {
  index_ = SentChunk::index_of(item.uid);
  const SentCache::Key key{account_, maildrop_.mailbox(), maildrop_.uidvalidity(), index_};
  chunk_ = worker_.options.sent->find(key);
  if (covers(item)) co_return Result<void>{};
  const uint32_t begin = index_ * SentChunk::kUids;
  const uint32_t first = chunk_ ? chunk_->through() + 1 : std::max(begin, 1U);
  uint32_t through = maildrop_.last_uid_below(uint64_t{begin} + SentChunk::kUids);
  std::vector<SentChunk::Row> rows;
  if (chunk_) rows = chunk_->rows();
  chunk_.reset();
  CO_TRY(auto list, co_await unsure(first, through, deadline));
  uint64_t octets = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    octets += list[i].size;
    if (octets <= kStepBytes || i == 0) continue;
    through = list[i].uid - 1;
    list.resize(i);
  }
  CO_TRY_VOID(co_await measure(list, rows, deadline));
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.uid < b.uid; });
  chunk_ = std::make_shared<SentChunk>(std::move(rows), through);
  worker_.options.sent->put(key, chunk_);
  co_return Result<void>{};
}

Task<Result<std::vector<SentSizes::Unsure>>> SentSizes::unsure(uint32_t first, uint32_t last,
                                                               Deadline deadline) {
  std::vector<Unsure> list;
  auto on_facts = [&list](const store::MessageFacts& row) {
    if (!sent_as_stored(row.facts)) list.push_back({row.uid, row.id, static_cast<uint64_t>(row.size)});
    return done();
  };
  CO_TRY_VOID(co_await worker_.messages.stream_facts(account_, maildrop_.mailbox(),
                                                     store::UidSet::range(first, last), on_facts, deadline));
  co_return list;
}

Task<Result<void>> SentSizes::measure(std::span<const Unsure> messages, std::vector<SentChunk::Row>& rows,
                                      Deadline deadline) {
  store::UidSet uids;
  for (const Unsure& message : messages) uids.add(message.uid);
  std::vector<uint32_t> measured;
  auto on_raw = [&rows, &measured](const store::Messages::Raw& raw) {
    if (raw.whole) {
      Measure sizes;
      sizes.feed(raw.bytes);
      sizes.finish(raw.uid, rows);
      measured.push_back(raw.uid);
    }
    return done();
  };
  if (!uids.empty()) {
    const auto read =
        co_await worker_.messages.stream_raw(account_, maildrop_.mailbox(), uids, on_raw, deadline);
    if (!read && read.error().may_retry()) co_return Unexpected(read.error());
  }
  // The large ones; and if one is damaged it costs the others nothing.
  for (const Unsure& message : messages)
    if (!std::binary_search(measured.begin(), measured.end(), message.uid))
      CO_TRY_VOID(co_await measure_alone(message, rows, deadline));
  co_return Result<void>{};
}

Task<Result<void>> SentSizes::measure_alone(const Unsure& message, std::vector<SentChunk::Row>& rows,
                                            Deadline deadline) {
  Measure sizes;
  auto on_piece = [&sizes](std::string_view piece) {
    sizes.feed(piece);
    return done();
  };
  const auto read = co_await worker_.messages.read_raw(account_, message.id, 0, 0, on_piece, deadline);
  if (read)
    sizes.finish(message.uid, rows);
  else if (read.error().may_retry())
    co_return Unexpected(read.error());
  // RETR will say that it is not readable, or gone.
  co_return Result<void>{};
}

}  // namespace dromos::imapd::pop3
