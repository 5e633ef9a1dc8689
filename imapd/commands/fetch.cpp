// FETCH and UID FETCH (RFC 9051 §6.4.5; CHANGEDSINCE and VANISHED: RFC 7162 §3.1.4, §3.2.6; MESSAGELIMIT: RFC
// 9738).
#include <algorithm>
#include <exception>

#include "common/async/task_group.h"
#include "common/log/log.h"
#include "common/store/errc.h"
#include "imapd/commands/fetch_render.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/message_limit.h"
#include "imapd/commands/progress.h"
#include "imapd/commands/qresync.h"
#include "imapd/commands/search_answer.h"
#include "imapd/commands/settle.h"
#include "imapd/commands/sync.h"
#include "imapd/service/header_chunk.h"
#include "imapd/service/header_reader.h"
#include "imapd/service/recent_messages.h"

namespace dromos::imapd {
namespace {

constexpr size_t kFirstBatch = 32;  // small, for an early first octet
constexpr size_t kFactsBatch = 1024;
constexpr uint64_t kRawBatch = 2 << 20;  // octets of messages held at once
constexpr size_t kPlainBatch = 8192;
constexpr size_t kFieldsBatch = 2048;  // two chunks; two batches are under way

bool has(const std::vector<FetchItem>& items, FetchItem::Kind kind) {
  return std::any_of(items.begin(), items.end(), [&](const FetchItem& item) { return item.kind == kind; });
}

void add_item(std::vector<FetchItem>& items, FetchItem::Kind kind, bool front) {
  if (has(items, kind)) return;
  FetchItem item;
  item.kind = kind;
  items.insert(front ? items.begin() : items.end(), std::move(item));
}

/// Items as asked for, with those that the form of the command implies.
std::vector<FetchItem> items_of(Context& context, const FetchCommand& fetch, bool uid) {
  std::vector<FetchItem> items = fetch.items;
  if (uid && !context.enabled.uid_only) add_item(items, FetchItem::Kind::uid, true);
  if (fetch.changed_since) add_item(items, FetchItem::Kind::modseq, false);
  if (has(items, FetchItem::Kind::modseq)) context.enable_condstore();
  return items;
}

std::vector<uint32_t> chosen(const FetchCommand& fetch, const NumberSet& numbers,
                             const MailboxVersion& version) {
  std::vector<uint32_t> list = list_of(numbers);
  // First the range, then what has changed in it (RFC 9394 §3.4).
  if (fetch.partial) {
    const auto part = part_of(*fetch.partial, list);
    list = std::vector<uint32_t>(part.begin(), part.end());
  }
  if (fetch.changed_since)
    std::erase_if(list, [&](uint32_t number) {
      return version.at(number).modseq <= static_cast<int64_t>(*fetch.changed_since);
    });
  return list;
}

class Fetcher {
 public:
  Fetcher(Context& context, const std::vector<FetchItem>& items)
      : context_(context),
        version_(context.selected->seen),
        needs_(needs_of(items)),
        loader_(context.worker, *context.selected->mailbox),
        renderer_(context, items, loader_) {}

  /// Numbers ascending, or descending.
  Task<Result<void>> run(const std::vector<uint32_t>& numbers) {
    descending_ = numbers.size() > 1 && numbers.front() > numbers.back();
    needs_.few = numbers.size() <= RecentMessages::kFew;
    std::exception_ptr thrown;
    Result<void> result;
    try {
      result = co_await run_batches(numbers);
    } catch (...) {
      thrown = std::current_exception();
    }
    co_await ahead_.close();  // a load under way writes into a batch of ours
    if (thrown) std::rethrow_exception(thrown);
    co_return result;
  }
  /// Expunged by others meanwhile; and those that are there and could not be read.
  size_t gone() const { return gone_; }
  size_t unreadable() const { return unreadable_; }
  bool unknown_encoding() const { return renderer_.unknown_encoding(); }

 private:
  size_t batch_end(const std::vector<uint32_t>& numbers, size_t at) const {
    if (!needs_.any()) return std::min(numbers.size(), at + kPlainBatch);
    if (needs_.fields != nullptr) return chunk_end(numbers, at);
    const size_t most = std::min(numbers.size(), at + (at == 0 ? kFirstBatch : kFactsBatch));
    if (!needs_.raw) return most;
    uint64_t octets = 0;
    size_t end = at;
    while (end < most && (end == at || octets < kRawBatch))
      octets += std::min<uint64_t>(version_->at(numbers[end++]).size, kRawBatch / 4);
    return end;
  }

  /// At the end of a chunk of header fields, so that what is read can be kept; the first batch has one chunk.
  size_t chunk_end(const std::vector<uint32_t>& numbers, size_t at) const {
    const auto index = [&](size_t i) { return HeaderChunk::index_of(version_->at(numbers[i]).uid); };
    size_t end = std::min(numbers.size(), at + (at == 0 ? kFactsBatch : kFieldsBatch));
    if (end == numbers.size()) return end;
    const uint32_t next = index(end);
    if (next == index(at)) return end;
    while (index(end - 1) == next) --end;
    return end;
  }

  /// Some messages being loaded, or loaded and not yet written.
  struct Batch {
    size_t begin = 0;
    size_t end = 0;
    std::vector<LoadedMessage> loaded;
    Result<void> outcome = fail(Errc::internal, "not loaded");
    Event done;
  };

  /// One batch is written while the next is read.
  Task<Result<void>> run_batches(const std::vector<uint32_t>& numbers) {
    now_ = begin_batch(numbers, 0);
    while (now_) {
      if (context_.progress != nullptr) context_.progress->step(now_->begin, numbers.size());
      next_ = begin_batch(numbers, now_->end);
      co_await now_->done.wait();
      if (!now_->outcome) co_return now_->outcome;
      CO_TRY_VOID(co_await write_batch(numbers, *now_));
      now_ = std::move(next_);
    }
    co_return Result<void>{};
  }

  std::unique_ptr<Batch> begin_batch(const std::vector<uint32_t>& numbers, size_t at) {
    if (at == numbers.size()) return nullptr;
    auto batch = std::make_unique<Batch>();
    batch->begin = at;
    batch->end = batch_end(numbers, at);
    if (!needs_.any()) {
      batch->loaded.resize(batch->end - batch->begin);
      batch->outcome = {};
      batch->done.set();
      return batch;
    }
    std::vector<uint32_t> uids;
    for (size_t i = at; i < batch->end; ++i) uids.push_back(version_->at(numbers[i]).uid);
    ahead_.spawn(load(*batch, std::move(uids)));
    return batch;
  }

  Task<void> load(Batch& batch, std::vector<uint32_t> uids) {
    try {
      batch.outcome = co_await load_all(batch.loaded, std::move(uids));
    } catch (const std::exception& e) {
      batch.outcome = fail(Errc::internal, e.what());
    }
    batch.done.set();
  }

  Task<Result<void>> load_all(std::vector<LoadedMessage>& loaded, std::vector<uint32_t> uids) {
    if (descending_) std::reverse(uids.begin(), uids.end());
    CO_TRY(loaded, co_await loader_.load(std::move(uids), needs_, context_.store_deadline()));
    if (needs_.fields != nullptr) {
      HeaderReader headers(context_.worker, *context_.selected->mailbox, *needs_.fields);
      CO_TRY_VOID(co_await headers.read(loaded, *version_, needs_.few, context_.store_deadline()));
    }
    if (descending_) std::reverse(loaded.begin(), loaded.end());
    co_return Result<void>{};
  }

  Task<Result<void>> write_batch(const std::vector<uint32_t>& numbers, Batch& batch) {
    for (size_t i = batch.begin; i < batch.end; ++i) {
      LoadedMessage& message = batch.loaded[i - batch.begin];
      if (needs_.any() && !message.found) {
        ++gone_;
        continue;
      }
      CO_TRY_VOID(
          co_await one(numbers[i], version_->at(numbers[i]), std::move(message), context_.store_deadline()));
      const bool open = co_await context_.flush_some();
      if (!open) co_return fail(Errc::closed, "connection lost");
    }
    if (!needs_.any()) co_await Reactor::current().yield();
    co_return Result<void>{};
  }

  /// A message that cannot be read is left out and logged; it must not hide the others.
  Task<Result<void>> one(uint32_t number, const MessageItem& item, LoadedMessage message, Deadline deadline) {
    const size_t mark = context_.out.size();
    const auto written = co_await renderer_.write(number, item, std::move(message), deadline);
    if (written) co_return Result<void>{};
    if (context_.out.size() < mark || context_.out.empty()) {
      context_.broken = true;  // part of the response has been sent
      co_return written;
    }
    context_.out.truncate(mark);
    if (context_.broken || written.error().may_retry()) co_return written;
    if (written.error().is(store::StoreErrc::not_found)) {  // expunged since it was looked up
      ++gone_;
      co_return Result<void>{};
    }
    ++unreadable_;
    log::error(
        "message.unreadable",
        {{"account", context_.selected->mailbox->account()}, {"uid", item.uid}, {"err", written.error()}});
    co_return Result<void>{};
  }

  Context& context_;
  const VersionPtr version_;  // kept: what the client was told does not move during a FETCH
  LoadNeeds needs_;
  MessageLoader loader_;
  FetchRenderer renderer_;
  bool descending_ = false;
  size_t gone_ = 0;
  size_t unreadable_ = 0;
  TaskGroup ahead_;
  std::unique_ptr<Batch> now_;  // both outlive what loads them: run() waits for it
  std::unique_ptr<Batch> next_;
};

/// \Seen on what was read; the client learns of it from the FETCH that sync writes.
Task<Result<void>> set_seen(Context& context, const std::vector<uint32_t>& numbers) {
  const VersionPtr version = context.selected->seen;
  store::UidSet unseen;
  for (const uint32_t number : numbers)
    if ((version->at(number).flags & kFlagSeen) == 0) unseen.add(version->at(number).uid);
  if (unseen.empty()) co_return Result<void>{};
  store::FlagSet flags;
  flags.flags = kFlagSeen;
  CO_TRY(const auto stored, co_await store_flags(context, unseen, store::FlagOp::add, flags, std::nullopt));
  co_return co_await settle_flags(context, store::FlagOp::add, flags, stored);
}

Reply outcome(const Fetcher& fetcher) {
  if (fetcher.unknown_encoding()) return no(code::kUnknownCte, "A part has an unknown encoding");
  if (fetcher.unreadable() > 0) return no(code::kCorruption, "Some messages are not readable");
  // RFC 2180 §4.1.2 would allow NO; clients take that for a failure of the messages they got, too.
  if (fetcher.gone() > 0) return ok("Some messages are gone", std::string(code::kExpungeIssued));
  return ok("Fetch completed");
}

}  // namespace

Task<Result<void>> fetch_messages(Context& context, const std::vector<FetchItem>& items,
                                  std::vector<uint32_t> numbers) {
  Fetcher fetcher(context, items);
  co_return co_await fetcher.run(numbers);
}

Handled handle_fetch(Context& context, const Command& command) {
  const auto& fetch = command.as<FetchCommand>();
  if (fetch.vanished && !context.enabled.qresync) co_return bad("VANISHED needs ENABLE QRESYNC");
  const std::vector<FetchItem> items = items_of(context, fetch, command.uid);
  const auto numbers = numbers_of(context, fetch.set, command.uid);
  if (!numbers) co_return bad(numbers.error().message());
  // Only what CHANGEDSINCE leaves is processed, so only that counts.
  MessageLimit limit(context);
  std::vector<uint32_t> list = chosen(fetch, *numbers, *context.selected->seen);
  limit.cut(list, *context.selected->seen);
  if (limit.reached() && fetch.partial) co_return limit.refusal("The range holds too many messages");
  if (fetch.vanished) {
    const NumberSet asked = fetch.set.saved_result ? context.selected->saved : fetch.set.resolve(UINT32_MAX);
    CO_TRY_VOID(co_await write_vanished_earlier(context, *fetch.changed_since, &asked));
  }
  if (limit.reached()) std::reverse(list.begin(), list.end());
  Fetcher fetcher(context, items);
  CO_TRY_VOID(co_await fetcher.run(list));
  if (limit.reached()) std::reverse(list.begin(), list.end());
  const bool reads =
      std::any_of(items.begin(), items.end(), [](const FetchItem& i) { return i.sets_seen(); });
  const bool keeps = !context.selected->read_only && (context.selected->rights & store::kKeepSeen) != 0;
  if (reads && keeps) CO_TRY_VOID(co_await set_seen(context, list));
  co_return limit.answer(outcome(fetcher));
}

}  // namespace dromos::imapd
