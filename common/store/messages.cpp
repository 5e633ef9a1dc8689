#include "common/store/messages.h"

#include <cstring>

#include "common/base/assert.h"
#include "common/store/errc.h"
#include "common/store/partition.h"

namespace dromos::store {
namespace {

#define FACTS_COLUMNS                                                                                  \
  "m.message_id, m.thread_id, m.size, m.received_at, m.created_modseq, m.facts_version, m.blob_hash, " \
  "m.trace_id, "                                                                                       \
  "m.facts"
#define IN_RANGE "e.account_id = $1 AND e.mailbox_id = $2 AND e.uid >= $3 AND e.uid <= $4 "

// OFFSET 0 keeps the joins nested loops in uid order: a hash join would read the whole account for each
// range.
const AccountStatement kFacts{
    "store_facts",
    "SELECT e.uid, " FACTS_COLUMNS
    " FROM mail.entry_p%p e CROSS JOIN LATERAL (SELECT * FROM mail.message_p%p i WHERE i.account_id = $1 "
    "AND i.message_id = e.message_id OFFSET 0) m WHERE " IN_RANGE "ORDER BY e.uid"};
const AccountStatement kFactsOf{
    "store_facts_of", "SELECT 0::bigint, " FACTS_COLUMNS
                      " FROM mail.message_p%p m WHERE m.account_id = $1 AND m.message_id = ANY ($2)"};
const AccountStatement kRaw{
    "store_raw",
    "SELECT e.uid, e.message_id, b.hash, b.codec, b.chunks, b.header, b.body, b.location IS NULL "
    "FROM mail.entry_p%p e CROSS JOIN LATERAL (SELECT i.blob_hash FROM mail.message_p%p i WHERE i.account_id "
    "= $1 "
    "AND i.message_id = e.message_id OFFSET 0) m CROSS JOIN LATERAL (SELECT * FROM mail.blob_p%p i WHERE "
    "i.account_id = $1 "
    "AND i.hash = m.blob_hash OFFSET 0) b WHERE " IN_RANGE "ORDER BY e.uid"};
// One result a range, so bounded a row: $5 is kHeaderBytes.
const AccountStatement kHeader{
    "store_header",
    "SELECT e.uid, e.message_id, b.hash, b.codec, CASE WHEN b.header_size <= $5 THEN b.header END "
    "FROM mail.entry_p%p e CROSS JOIN LATERAL (SELECT i.blob_hash FROM mail.message_p%p i WHERE i.account_id "
    "= $1 "
    "AND i.message_id = e.message_id OFFSET 0) m CROSS JOIN LATERAL (SELECT * FROM mail.blob_p%p i WHERE "
    "i.account_id = $1 AND i.hash = m.blob_hash OFFSET 0) b WHERE " IN_RANGE "ORDER BY e.uid"};
const AccountStatement kHash{
    "store_message_hash",
    "SELECT m.blob_hash FROM mail.message_p%p m WHERE m.account_id = $1 AND m.message_id = $2 "
    "AND EXISTS (SELECT FROM mail.entry_p%p e WHERE e.account_id = $1 AND e.message_id = $2)"};
const AccountStatement kText{
    "store_text",
    "SELECT e.uid, e.message_id, t.truncated, t.codec, t.data "
    "FROM mail.entry_p%p e CROSS JOIN LATERAL (SELECT * FROM mail.text_extract_p%p i WHERE i.account_id = $1 "
    "AND i.message_id = e.message_id OFFSET 0) t WHERE " IN_RANGE "ORDER BY e.uid"};
const AccountStatement kPackedText{
    "store_packed_text",
    "SELECT e.uid, e.message_id, t.truncated, t.codec, CASE WHEN octet_length(t.data) <= $5::bigint THEN "
    "t.data END "
    "FROM mail.entry_p%p e CROSS JOIN LATERAL (SELECT * FROM mail.text_extract_p%p i WHERE i.account_id = $1 "
    "AND i.message_id = e.message_id OFFSET 0) t WHERE " IN_RANGE "ORDER BY e.uid"};
const db::Statement kRewrite{"store_facts_set", "SELECT mail.facts_set_v1($1, $2, $3, $4)"};

BlobHash hash_from(std::string_view bytes) {
  BlobHash hash{};
  std::memcpy(hash.data(), bytes.data(), std::min(hash.size(), bytes.size()));
  return hash;
}

MessageFacts facts_from(const db::Rows& rows) {
  MessageFacts facts;
  facts.uid = static_cast<uint32_t>(rows.integer(0, 0));
  facts.id = rows.id<MessageId>(0, 1);
  facts.thread = rows.id<ThreadId>(0, 2);
  facts.size = rows.integer(0, 3);
  facts.received_us = rows.time_us(0, 4);
  facts.created_modseq = rows.integer(0, 5);
  facts.facts_version = static_cast<int32_t>(rows.integer(0, 6));
  facts.blob = hash_from(rows.bytes(0, 7));
  if (!rows.is_null(0, 8)) facts.trace = rows.id<TraceId>(0, 8);
  facts.facts = rows.bytes(0, 9);
  return facts;
}

/// The set's ranges, none wider than Messages::kRange.
std::vector<UidSet::Range> cut(const UidSet& uids) {
  std::vector<UidSet::Range> ranges;
  for (UidSet::Range range : uids.ranges()) {
    while (range.last - range.first >= Messages::kRange) {
      ranges.push_back({range.first, range.first + Messages::kRange - 1});
      range.first += Messages::kRange;
    }
    ranges.push_back(range);
  }
  return ranges;
}

db::Params range_params(AccountId account, MailboxId mailbox, UidSet::Range range) {
  db::Params params;
  params.add(account).add(mailbox).add(int64_t{range.first}).add(int64_t{range.last});
  return params;
}

/// An open-ended set ("1:*") is bounded by what the mailbox holds.
const db::Statement kLastUid{
    "store_last_uid", "SELECT uidnext - 1 FROM mail.mailbox WHERE account_id = $1 AND mailbox_id = $2"};

Task<Result<std::vector<UidSet::Range>>> bounded(db::Pool& pool, AccountId account, MailboxId mailbox,
                                                 const UidSet& uids, Deadline deadline) {
  constexpr uint32_t kNarrow = 64 * Messages::kRange;
  if (uids.empty()) co_return std::vector<UidSet::Range>();
  if (uids.ranges().back().last - uids.ranges().front().first < kNarrow) co_return cut(uids);
  db::Params params;
  params.add(account).add(mailbox);
  CO_TRY(const auto rows, co_await pool.exec(kLastUid, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "no such mailbox");
  const int64_t last = rows.integer(0, 0);
  UidSet inside;
  for (const UidSet::Range& range : uids.ranges())
    if (range.first <= last)
      inside.add(range.first, static_cast<uint32_t>(std::min<int64_t>(range.last, last)));
  co_return cut(inside);
}

}  // namespace

Task<Result<void>> Messages::stream_facts(AccountId account, MailboxId mailbox, const UidSet& uids,
                                          OnFacts on_facts, Deadline deadline) {
  CO_TRY(const auto ranges, co_await bounded(pool_, account, mailbox, uids, deadline));
  auto on_row = [&on_facts](const db::Rows& rows) { return on_facts(facts_from(rows)); };
  for (const UidSet::Range& range : ranges)
    CO_TRY_VOID(co_await pool_.stream_async(kFacts.of(account), range_params(account, mailbox, range), on_row,
                                            deadline));
  co_return Result<void>{};
}

Task<Result<void>> Messages::facts_of(AccountId account, std::vector<MessageId> ids, OnFacts on_facts,
                                      Deadline deadline) {
  db::Params params;
  params.add(account).add_array(ids);
  auto on_row = [&on_facts](const db::Rows& rows) { return on_facts(facts_from(rows)); };
  co_return co_await pool_.stream_async(kFactsOf.of(account), std::move(params), on_row, deadline);
}

namespace {
Task<Result<void>> raw_row(const std::function<Task<Result<void>>(Messages::Raw)>* on_raw,
                           const db::Rows* rows) {
  Messages::Raw raw;
  raw.uid = static_cast<uint32_t>(rows->integer(0, 0));
  raw.id = rows->id<MessageId>(0, 1);
  raw.blob = hash_from(rows->bytes(0, 2));
  raw.whole = rows->integer(0, 4) <= 2 && rows->boolean(0, 7);
  if (raw.whole) {
    CO_TRY(raw.bytes, unpack(rows->integer(0, 3), rows->bytes(0, 5)));
    CO_TRY(const std::string body, unpack(rows->integer(0, 3), rows->bytes(0, 6)));
    raw.bytes += body;
  }
  co_return co_await (*on_raw)(std::move(raw));
}
}  // namespace

Task<Result<void>> Messages::stream_raw(AccountId account, MailboxId mailbox, const UidSet& uids,
                                        std::function<Task<Result<void>>(Raw)> on_raw, Deadline deadline) {
  CO_TRY(const auto ranges, co_await bounded(pool_, account, mailbox, uids, deadline));
  auto on_row = [&on_raw](const db::Rows& rows) { return raw_row(&on_raw, &rows); };
  for (const UidSet::Range& range : ranges)
    CO_TRY_VOID(co_await pool_.stream_async(kRaw.of(account), range_params(account, mailbox, range), on_row,
                                            deadline));
  co_return Result<void>{};
}

Task<Result<void>> Messages::each_header(AccountId account, MailboxId mailbox, const UidSet& uids,
                                         std::function<void(Header)> on_header, Deadline deadline) {
  CO_TRY(const auto ranges, co_await bounded(pool_, account, mailbox, uids, deadline));
  for (const UidSet::Range& range : ranges) {
    CO_TRY(const PackedHeaders headers, co_await packed_headers(account, mailbox, range, deadline));
    for (size_t row = 0; row < headers.size(); ++row) on_header(headers.header(row));
  }
  co_return Result<void>{};
}

Task<Result<Messages::PackedHeaders>> Messages::packed_headers(AccountId account, MailboxId mailbox,
                                                               UidSet::Range range, Deadline deadline) {
  DROMOS_ASSERT(range.last - range.first < kRange);
  db::Params params = range_params(account, mailbox, range);
  params.add(static_cast<int64_t>(kHeaderBytes));
  CO_TRY(auto rows, co_await pool_.exec(kHeader.of(account), std::move(params), deadline));
  co_return PackedHeaders(std::move(rows));
}

Messages::Header Messages::PackedHeaders::header(size_t row) const {
  Header header;
  header.uid = static_cast<uint32_t>(rows_.integer(row, 0));
  header.id = rows_.id<MessageId>(row, 1);
  header.blob = hash_from(rows_.bytes(row, 2));
  header.whole = false;
  if (rows_.is_null(row, 4)) return header;
  if (auto bytes = unpack(rows_.integer(row, 3), rows_.bytes(row, 4))) {
    header.whole = true;
    header.bytes = std::move(*bytes);
  }
  return header;
}

Task<Result<void>> Messages::read_raw(AccountId account, MessageId id, uint64_t offset, uint64_t length,
                                      std::function<Task<Result<void>>(std::string_view)> on_piece,
                                      Deadline deadline) {
  db::Params params;
  params.add(account).add(id);
  CO_TRY(const auto rows, co_await pool_.exec(kHash.of(account), std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "no such message");
  co_return co_await blobs_.read(account, hash_from(rows.bytes(0, 0)), offset, length, std::move(on_piece),
                                 deadline);
}

Task<Result<void>> Messages::stream_text(AccountId account, MailboxId mailbox, const UidSet& uids,
                                         std::function<bool(const Text&)> on_text, Deadline deadline) {
  CO_TRY(const auto ranges, co_await bounded(pool_, account, mailbox, uids, deadline));
  bool stopped = false;
  auto on_row = [&](const db::Rows& rows) {
    if (stopped) return true;
    Text text;
    text.uid = static_cast<uint32_t>(rows.integer(0, 0));
    text.id = rows.id<MessageId>(0, 1);
    text.truncated = rows.boolean(0, 2);
    auto plain = unpack(rows.integer(0, 3), rows.bytes(0, 4));
    if (plain)
      text.text = std::move(*plain);
    else
      text.truncated = true;  // a damaged extract must not hide the message: its raw bytes are to be searched
    stopped = !on_text(text);
    return true;
  };
  for (const UidSet::Range& range : ranges) {
    if (stopped) break;
    CO_TRY_VOID(
        co_await pool_.stream(kText.of(account), range_params(account, mailbox, range), on_row, deadline));
  }
  co_return Result<void>{};
}

Task<Result<Messages::PackedTexts>> Messages::packed_texts(AccountId account, MailboxId mailbox,
                                                           UidSet::Range range, Deadline deadline) {
  DROMOS_ASSERT(range.last - range.first < kTextRange);
  db::Params params = range_params(account, mailbox, range);
  params.add(range.first == range.last ? int64_t{INT32_MAX} : kPackedTextBytes);
  CO_TRY(auto rows, co_await pool_.exec(kPackedText.of(account), std::move(params), deadline));
  co_return PackedTexts(std::move(rows));
}

Result<std::string> Messages::PackedTexts::text(size_t row) const {
  return unpack(rows_.integer(row, 3), rows_.bytes(row, 4));
}

Task<Result<void>> Messages::rewrite_facts(AccountId account, std::vector<MessageId> ids, int32_t version,
                                           std::vector<std::string> facts, Deadline deadline) {
  db::Params params;
  params.add(account).add_array(ids).add_int32(version).add_bytes_array(facts);
  auto rows = co_await pool_.exec(kRewrite, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  co_return Result<void>{};
}

}  // namespace dromos::store
