#include "imapd/service/message_loader.h"

#include <algorithm>

#include "common/async/offload.h"
#include "common/log/log.h"
#include "common/mime/section.h"
#include "imapd/service/recent_messages.h"

namespace dromos::imapd {
namespace {

LoadedMessage* find(std::vector<LoadedMessage>& list, uint32_t uid) {
  const auto at = std::lower_bound(list.begin(), list.end(), uid,
                                   [](const LoadedMessage& m, uint32_t u) { return m.uid < u; });
  return at != list.end() && at->uid == uid ? &*at : nullptr;
}

// The views of a row live only while the callback itself runs, not until its task is awaited: so the work is
// done in plain functions.
Task<Result<void>> done() {
  co_return Result<void>{};
}

void take_facts(std::vector<LoadedMessage>& list, const store::MessageFacts& row) {
  if (LoadedMessage* message = find(list, row.uid)) {
    message->found = true;
    message->id = row.id;
    message->thread = row.thread;
    message->blob = row.blob;
    message->facts.assign(row.facts);
  }
}

void take_raw(std::vector<LoadedMessage>& list, store::Messages::Raw row) {
  if (LoadedMessage* message = find(list, row.uid)) {
    message->found = true;
    message->id = row.id;
    message->blob = row.blob;
    if (row.whole) message->raw = std::move(row.bytes);
  }
}

void take_header(std::vector<LoadedMessage>& list, store::Messages::Header row) {
  if (LoadedMessage* message = find(list, row.uid)) {
    message->found = true;
    message->id = row.id;
    message->blob = row.blob;
    if (row.whole && is_header(row.bytes)) message->header = std::move(row.bytes);
  }
}

store::UidSet exact(const std::vector<uint32_t>& uids) {
  return store::UidSet::of(uids);
}

}  // namespace

bool is_header(std::string_view bytes) {
  size_t line = 0;
  while (true) {
    const size_t end = bytes.find('\n', line);
    if (end == std::string_view::npos) return false;
    if (end == line || (end == line + 1 && bytes[line] == '\r')) return end + 1 == bytes.size();
    line = end + 1;
  }
}

store::UidSet hull(const std::vector<uint32_t>& uids) {
  constexpr uint32_t kGap = 16;
  store::UidSet set;
  for (size_t i = 0; i < uids.size();) {
    size_t end = i + 1;
    while (end < uids.size() && uids[end] - uids[end - 1] <= kGap) ++end;
    set.add(uids[i], uids[end - 1]);
    i = end;
  }
  return set;
}

Task<Result<std::vector<LoadedMessage>>> MessageLoader::load(std::vector<uint32_t> uids, LoadNeeds needs,
                                                             Deadline deadline) {
  std::vector<LoadedMessage> list(uids.size());
  for (size_t i = 0; i < uids.size(); ++i) list[i].uid = uids[i];
  const bool few = people_ != nullptr && needs.few;
  if (few) uids = take_recent(list, needs);
  if (uids.empty()) co_return list;
  CO_TRY_VOID(co_await read_all(list, uids, needs, deadline));
  if (few) keep_recent(list, uids, needs);
  co_return list;
}

MessageLoader::Uids MessageLoader::take_recent(std::vector<LoadedMessage>& list, LoadNeeds needs) const {
  Uids rest;
  for (LoadedMessage& message : list) {
    const auto kept = worker_.options.recent->of(*people_, message.uid);
    const bool header = needs.fields != nullptr || (needs.header && !needs.raw);
    const bool whole = kept && !needs.entry && (!needs.facts || kept->facts) && (!needs.raw || kept->raw) &&
                       (!header || kept->header);
    if (!whole) {
      rest.push_back(message.uid);
      continue;
    }
    message.found = true;
    message.id = kept->id;
    message.thread = kept->thread;
    message.blob = kept->blob;
    if (needs.facts) message.facts = *kept->facts;
    if (needs.raw) message.raw = kept->raw;
    if (needs.header && !needs.raw) message.header = kept->header;
    if (needs.fields != nullptr) message.fields = mime::filter_fields(*kept->header, *needs.fields, false);
  }
  return rest;
}

void MessageLoader::keep_recent(std::vector<LoadedMessage>& list, const Uids& uids, LoadNeeds needs) const {
  for (const uint32_t uid : uids) {
    const LoadedMessage* message = find(list, uid);
    if (message == nullptr || !message->found || message->id == MessageId()) continue;
    RecentParts parts{message->id, message->thread, message->blob, {}, message->raw, message->header};
    if (needs.facts && !message->facts.empty()) parts.facts = message->facts;
    worker_.options.recent->add(*people_, uid, parts);
  }
}

Task<Result<void>> MessageLoader::read_all(std::vector<LoadedMessage>& list, const Uids& uids,
                                           LoadNeeds needs, Deadline deadline) {
  if (needs.facts) {
    auto on_facts = [&list](const store::MessageFacts& row) {
      take_facts(list, row);
      return done();
    };
    CO_TRY_VOID(co_await worker_.messages.stream_facts(account_, mailbox_, hull(uids), on_facts, deadline));
  }
  if (needs.raw) {
    auto on_raw = [&list](store::Messages::Raw row) {
      take_raw(list, std::move(row));
      return done();
    };
    CO_TRY_VOID(co_await worker_.messages.stream_raw(account_, mailbox_, exact(uids), on_raw, deadline));
  }
  if (needs.header && !needs.raw) {
    auto on_header = [&list](store::Messages::Header row) { take_header(list, std::move(row)); };
    CO_TRY_VOID(co_await worker_.messages.each_header(account_, mailbox_, hull(uids), on_header, deadline));
  }
  if (needs.entry) {
    auto on_entry = [&list](const store::Entry& entry) {
      if (LoadedMessage* message = find(list, entry.uid)) {
        message->found = true;
        message->id = entry.id;
        message->thread = entry.thread;
        message->saved_us = entry.saved_us;
      }
    };
    CO_TRY_VOID(
        co_await worker_.entries.load(account_, mailbox_, uids.front(), uids.back(), on_entry, deadline));
  }
  co_return Result<void>{};
}

Task<Result<std::string>> MessageLoader::read(const LoadedMessage& message, uint64_t begin, uint64_t length,
                                              Deadline deadline) {
  if (message.raw) {
    if (begin >= message.raw->size()) co_return std::string();
    co_return message.raw->substr(begin, length);
  }
  std::string out;
  if (length == 0) co_return out;
  auto on_piece = [&out](std::string_view piece) {
    out.append(piece);
    return done();
  };
  CO_TRY_VOID(co_await worker_.messages.read_raw(account_, message.id, begin, length, on_piece, deadline));
  co_return out;
}

Task<Result<mime::Facts>> MessageLoader::facts(const LoadedMessage& message, uint64_t size,
                                               Deadline deadline) {
  if (!message.facts.empty()) {
    const auto view = mime::FactsView::open(message.facts);
    if (view && view->current())
      if (auto decoded = mime::decode_facts(message.facts)) co_return std::move(*decoded);
  }
  static log::RateLimit limit(5, seconds(10));
  if (uint64_t skipped = 0; limit.allow(skipped))
    log::info("message.parsed_again", {{"account", account_}, {"message", message.id}, {"skipped", skipped}});
  auto raw = co_await read(message, 0, std::max<uint64_t>(size, 1), deadline);
  if (!raw) co_return Unexpected(std::move(raw).error());
  co_return co_await offload([bytes = std::move(*raw)] { return mime::build_facts(bytes); });
}

}  // namespace dromos::imapd
