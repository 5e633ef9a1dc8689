#include "imapd/service/key_reader.h"

#include <deque>

#include "common/async/offload.h"
#include "common/store/search.h"
#include "imapd/service/key_cache.h"
#include "imapd/service/message_loader.h"
#include "imapd/service/read_ahead.h"

namespace dromos::imapd {
namespace {

constexpr size_t kAhead = 3;  // chunks read at once

struct Part : AheadPart {
  uint32_t index = 0;
  std::span<const uint32_t> numbers;
  uint32_t last_uid = 0;
  std::shared_ptr<const KeyChunk> chunk;
};

struct Built {
  std::vector<MessageKeys> rows;
  std::vector<size_t> unread;  // rows to be made from the message itself
};

/// On a thread of the pool.
Built build(const store::PackedFacts& facts) {
  Built built;
  built.rows.reserve(facts.size());
  for (size_t row = 0; row < facts.size(); ++row) {
    const auto keys = facts.left_out(row) ? Result<mime::FactsKeys>(fail(Errc::internal, "long"))
                                          : mime::read_facts_keys(facts.bytes(row));
    if (keys && keys->current) {
      built.rows.push_back(message_keys(facts.uid(row), *keys));
      continue;
    }
    built.unread.push_back(built.rows.size());
    built.rows.emplace_back().uid = facts.uid(row);
  }
  return built;
}

class Reader {
 public:
  Reader(Worker& worker, const KeyRead& scope, const UseKeys& use, Deadline deadline)
      : worker_(worker), scope_(scope), use_(use), deadline_(deadline) {}

  Result<void> before(const Part&) {
    if (scope_.unwanted && scope_.unwanted()) return fail(Errc::closed, "nobody waits for the answer");
    return {};
  }
  Task<Result<void>> read(Part& part) {
    CO_TRY(part.chunk, co_await chunk(part));
    co_return Result<void>{};
  }
  void after(Part& part) {
    use_(*part.chunk, part.numbers);
    part.chunk = nullptr;
  }

 private:
  Task<Result<std::shared_ptr<const KeyChunk>>> chunk(const Part& part) {
    KeyCache& cache = *worker_.options.keys;
    const KeyCache::Key key{scope_.mailbox->account(), scope_.mailbox->id(), scope_.mailbox->uidvalidity(),
                            part.index};
    auto known = cache.find(key);
    if (known && known->through() >= part.last_uid) co_return known;
    const uint32_t first = std::max<uint32_t>(part.index * KeyChunk::kUids, 1);
    const uint32_t last = first / KeyChunk::kUids * KeyChunk::kUids + (KeyChunk::kUids - 1);
    // What the version does not hold yet may still be on its way.
    const uint32_t through = static_cast<uint32_t>(std::min<uint64_t>(last, scope_.version->uidnext() - 1));
    const store::UidSet::Range range{known ? known->through() + 1 : first, through};
    CO_TRY(auto facts, co_await store::packed_facts(worker_.pool, scope_.mailbox->account(),
                                                    scope_.mailbox->id(), range, deadline_));
    auto work = [facts = std::make_shared<store::PackedFacts>(std::move(facts))] { return build(*facts); };
    Built built = co_await offload(std::move(work));
    for (const size_t row : built.unread) CO_TRY_VOID(co_await read_message(built.rows[row]));
    auto made = KeyChunk::extend(known.get(), built.rows, through);
    cache.put(key, made);
    co_return made;
  }

  /// Facts that are long, of an older parser, or damaged.
  Task<Result<void>> read_message(MessageKeys& keys) {
    MessageLoader loader(worker_, scope_.mailbox->account(), scope_.mailbox->id());
    LoadNeeds needs;
    needs.facts = true;
    const uint32_t uid = keys.uid;
    std::vector<uint32_t> one{uid};
    CO_TRY(const auto loaded, co_await loader.load(std::move(one), needs, deadline_));
    const auto item = scope_.version->find(uid);
    if (!loaded.front().found || !item) co_return Result<void>{};
    const auto facts = co_await loader.facts(loaded.front(), item->size, deadline_);
    if (!facts && facts.error().may_retry()) co_return fail(facts.error());
    if (facts) {
      const std::string bytes = mime::encode_facts(*facts);
      if (const auto read = mime::read_facts_keys(bytes)) keys = message_keys(uid, *read);
    }
    keys.uid = uid;
    keys.exact = false;
    co_return Result<void>{};
  }

  Worker& worker_;
  const KeyRead& scope_;
  const UseKeys& use_;
  const Deadline deadline_;
};

std::deque<Part> parts_of(const MailboxVersion& version, std::span<const uint32_t> numbers) {
  std::deque<Part> parts;
  size_t begin = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint32_t uid = version.at(numbers[i]).uid;
    if (parts.empty() || parts.back().index != KeyChunk::index_of(uid)) {
      parts.emplace_back();
      parts.back().index = KeyChunk::index_of(uid);
      begin = i;
    }
    parts.back().numbers = numbers.subspan(begin, i - begin + 1);
    parts.back().last_uid = uid;
  }
  return parts;
}

}  // namespace

Task<Result<void>> read_keys(Worker& worker, KeyRead scope, std::span<const uint32_t> numbers, UseKeys use,
                             Deadline deadline) {
  std::deque<Part> parts = parts_of(*scope.version, numbers);
  Reader reader(worker, scope, use, deadline);
  co_return co_await read_ahead(parts, reader, kAhead);
}

}  // namespace dromos::imapd
