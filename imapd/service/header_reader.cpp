#include "imapd/service/header_reader.h"

#include <algorithm>

#include "common/async/offload.h"
#include "common/mime/section.h"
#include "imapd/service/read_ahead.h"
#include "imapd/service/recent_messages.h"

namespace dromos::imapd {
namespace {

constexpr size_t kAtOnce = 2;  // chunks; a FETCH reads two batches at once

LoadedMessage* find(std::span<LoadedMessage> messages, uint32_t uid) {
  const auto at = std::lower_bound(messages.begin(), messages.end(), uid,
                                   [](const LoadedMessage& m, uint32_t u) { return m.uid < u; });
  return at != messages.end() && at->uid == uid ? &*at : nullptr;
}

void take_kept(std::span<LoadedMessage> messages, const HeaderChunk& chunk) {
  auto at = messages.begin();
  (void)chunk.each([&](const HeaderChunk::Row& row) {
    while (at != messages.end() && at->uid < row.uid) ++at;
    if (at == messages.end() || at->uid != row.uid) return;
    at->found = true;
    at->fields = std::string(row.fields);
  });
}

}  // namespace

HeaderReader::HeaderReader(Worker& worker, const SharedMailbox& mailbox,
                           const std::vector<std::string>& fields)
    : worker_(worker), mailbox_(mailbox), fields_(fields), names_(HeaderChunk::names_of(fields)) {}

/// The messages of one chunk.
struct HeaderReader::Part : AheadPart {
  std::span<LoadedMessage> messages;
};

struct HeaderReader::Chunks {
  HeaderReader& reader;
  const MailboxVersion& version;
  const bool few;
  const Deadline deadline;

  Result<void> before(const Part&) { return {}; }
  Task<Result<void>> read(Part& part) { return reader.read_chunk(part.messages, version, few, deadline); }
  void after(const Part&) {}
};

Task<Result<void>> HeaderReader::read(std::span<LoadedMessage> messages, const MailboxVersion& version,
                                      bool few, Deadline deadline) {
  std::deque<Part> parts;
  for (size_t begin = 0; begin < messages.size();) {
    size_t end = begin;
    while (end < messages.size() &&
           HeaderChunk::index_of(messages[end].uid) == HeaderChunk::index_of(messages[begin].uid))
      ++end;
    parts.emplace_back().messages = messages.subspan(begin, end - begin);
    begin = end;
  }
  Chunks chunks{*this, version, few, deadline};
  co_return co_await read_ahead(parts, chunks, kAtOnce);
}

Task<Result<void>> HeaderReader::read_chunk(std::span<LoadedMessage> messages, const MailboxVersion& version,
                                            bool few, Deadline deadline) {
  if (std::all_of(messages.begin(), messages.end(),
                  [](const LoadedMessage& m) { return m.fields.has_value(); }))
    co_return Result<void>{};
  const HeaderCache::Key key{mailbox_.account(), mailbox_.id(), mailbox_.uidvalidity(),
                             HeaderChunk::index_of(messages.front().uid), std::hash<std::string>()(names_)};
  const auto known = worker_.options.headers->find(key);
  const bool ours = known && known->names() == names_;
  if (ours) take_kept(messages, *known);
  CO_TRY(const size_t read, co_await read_missing(messages, few, deadline));
  if (read > 0 && !(ours && known->through() >= messages.back().uid)) co_await keep(messages, version, key);
  co_return Result<void>{};
}

Task<Result<size_t>> HeaderReader::read_missing(std::span<LoadedMessage> messages, bool few,
                                                Deadline deadline) {
  std::vector<uint32_t> uids;
  for (const LoadedMessage& message : messages)
    if (!message.fields) uids.push_back(message.uid);
  if (uids.empty()) co_return size_t{0};
  const store::UidSet wanted = hull(uids);
  for (const store::UidSet::Range& range : wanted.ranges()) {
    CO_TRY(const auto headers,
           co_await worker_.messages.packed_headers(mailbox_.account(), mailbox_.id(), range, deadline));
    if (few)
      take(messages, headers, true);
    else
      co_await offload([this, messages, &headers] { take(messages, headers, false); });
  }
  co_return uids.size();
}

void HeaderReader::take(std::span<LoadedMessage> messages, const store::Messages::PackedHeaders& headers,
                        bool few) const {
  for (size_t i = 0; i < headers.size(); ++i) {
    store::Messages::Header row = headers.header(i);
    LoadedMessage* message = find(messages, row.uid);
    if (message == nullptr || message->fields) continue;
    message->found = true;
    message->id = row.id;
    message->blob = row.blob;
    if (!row.whole || !is_header(row.bytes)) continue;
    message->fields = mime::filter_fields(row.bytes, fields_, false);
    if (few) worker_.options.recent->add(mailbox_, row.uid, {row.id, {}, row.blob, {}, {}, row.bytes});
  }
}

Task<void> HeaderReader::keep(std::span<const LoadedMessage> messages, const MailboxVersion& version,
                              HeaderCache::Key key) {
  const uint32_t first = key.index * HeaderChunk::kUids, last = first + (HeaderChunk::kUids - 1);
  if (version.count_below(last + 1) - version.count_below(first) != messages.size()) co_return;
  const auto through = static_cast<uint32_t>(std::min<uint64_t>(last, version.uidnext() - 1));
  auto chunk = co_await offload([this, messages, through] {
    std::vector<HeaderChunk::Row> rows;
    for (const LoadedMessage& message : messages)
      if (message.fields) rows.push_back({message.uid, *message.fields});
    return HeaderChunk::make(names_, rows, through);
  });
  if (chunk) worker_.options.headers->put(key, std::move(chunk));
}

}  // namespace dromos::imapd
