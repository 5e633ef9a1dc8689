#include "imapd/service/text_reader.h"

#include <deque>

#include "common/async/offload.h"
#include "common/store/reindex.h"
#include "imapd/service/read_ahead.h"
#include "imapd/service/text_cache.h"

namespace dromos::imapd {
namespace {

constexpr size_t kAtOnce = 4;       // chunks
constexpr size_t kScanned = 32;     // new messages scanned before a chunk is made anew
constexpr size_t kUsual = 1 << 21;  // memory of a chunk

struct Part : AheadPart {
  uint32_t index = 0;
  size_t begin = 0, end = 0;  // of uids
};

class Reader {
 public:
  Reader(Worker& worker, const TextRead& scope, std::span<const uint32_t> uids, const UseText& use,
         Deadline deadline)
      : worker_(worker), scope_(scope), uids_(uids), use_(use), deadline_(deadline) {}

  Result<void> before(const Part& part) {
    if (scope_.unwanted && scope_.unwanted()) return fail(Errc::closed, "nobody waits for the search");
    if (scope_.progress) scope_.progress(part.begin, uids_.size());
    return {};
  }
  Task<Result<void>> read(const Part& part) {
    TextCache& cache = *worker_.options.texts;
    const TextCache::Key key{scope_.mailbox->account(), scope_.mailbox->id(), scope_.mailbox->uidvalidity(),
                             part.index};
    ChunkPtr chunk = cache.find(key);
    if (worth_making(part, chunk)) {
      const uint64_t moment = cache.moment();
      CO_TRY(chunk, co_await make(part));
      cache.put(key, chunk, moment);
    }
    if (!chunk) co_return Result<void>{};
    co_await offload([this, &part, &chunk] { use_(chunk, part.begin, part.end); });
    co_return Result<void>{};
  }
  void after(const Part&) {}

 private:
  using ChunkPtr = std::shared_ptr<const TextChunk>;

  bool worth_making(const Part& part, const ChunkPtr& known) const {
    const std::span<const uint32_t> uids = uids_.subspan(part.begin, part.end - part.begin);
    if (known) {
      const auto fresh = std::upper_bound(uids.begin(), uids.end(), known->through());
      if (static_cast<size_t>(uids.end() - fresh) <= kScanned) return false;
    }
    const MailboxVersion& version = *scope_.version;
    const uint32_t first = part.index * TextChunk::kUids;
    const size_t messages = version.count_below(first + TextChunk::kUids) - version.count_below(first);
    return uids.size() * 2 >= messages && worker_.options.texts->has_room(kUsual);
  }

  Task<Result<ChunkPtr>> make(const Part& part) {
    const uint32_t first = std::max<uint32_t>(part.index * TextChunk::kUids, 1);
    const uint32_t last = part.index * TextChunk::kUids + (TextChunk::kUids - 1);
    // What the version does not hold yet may still be on its way.
    const auto through = static_cast<uint32_t>(std::min<uint64_t>(last, scope_.version->uidnext() - 1));
    TextChunk::Builder builder;
    std::vector<uint32_t> large;
    for (uint32_t at = first; at <= through; at += store::Messages::kTextRange) {
      const uint32_t end = std::min(through, at + (store::Messages::kTextRange - 1));
      CO_TRY_VOID(co_await add(builder, {at, end}, large));
    }
    std::vector<uint32_t> none;
    for (const uint32_t uid : large) CO_TRY_VOID(co_await add(builder, {uid, uid}, none));
    co_return co_await offload([&builder, through] { return std::move(builder).finish(through); });
  }

  Task<Result<void>> add(TextChunk::Builder& builder, store::UidSet::Range range,
                         std::vector<uint32_t>& large) {
    if (scope_.unwanted && scope_.unwanted()) co_return fail(Errc::closed, "nobody waits for the search");
    CO_TRY(const auto texts, co_await worker_.messages.packed_texts(scope_.mailbox->account(),
                                                                    scope_.mailbox->id(), range, deadline_));
    co_await offload([&builder, &texts, &large] {
      for (size_t row = 0; row < texts.size(); ++row) {
        if (texts.left_out(row)) {
          large.push_back(texts.uid(row));
          continue;
        }
        // A damaged extract is not added: the message's raw bytes are to be searched.
        if (const auto text = texts.text(row)) builder.add(texts.uid(row), *text, !texts.truncated(row));
      }
    });
    co_return Result<void>{};
  }

  Worker& worker_;
  const TextRead& scope_;
  const std::span<const uint32_t> uids_;
  const UseText& use_;
  const Deadline deadline_;
};

std::deque<Part> parts_of(std::span<const uint32_t> uids) {
  std::deque<Part> parts;
  for (size_t i = 0; i < uids.size(); ++i) {
    if (parts.empty() || parts.back().index != TextChunk::index_of(uids[i])) {
      parts.emplace_back();
      parts.back().index = TextChunk::index_of(uids[i]);
      parts.back().begin = i;
    }
    parts.back().end = i + 1;
  }
  return parts;
}

}  // namespace

TextReader::TextReader(Worker& worker, TextRead scope, Deadline deadline)
    : worker_(worker), scope_(std::move(scope)), deadline_(deadline) {}

/// A chunk that is made while others write texts anew goes with the next search's look.
Task<Result<void>> TextReader::renew() {
  if (renewed_) co_return Result<void>{};
  store::Reindex reindex(worker_.pool);
  const AccountId account = scope_.mailbox->account();
  TextCache& texts = *worker_.options.texts;
  CO_TRY(const auto news, co_await reindex.news(account, texts.written(account), deadline_));
  texts.renew(account, news);
  renewed_ = true;
  co_return Result<void>{};
}

Task<Result<void>> TextReader::read(std::span<const uint32_t> uids, UseText use) {
  CO_TRY_VOID(co_await renew());
  Reader reader(worker_, scope_, uids, use, deadline_);
  std::deque<Part> parts = parts_of(uids);
  co_return co_await read_ahead(parts, reader, kAtOnce);
}

}  // namespace dromos::imapd
