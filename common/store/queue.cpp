#include "common/store/queue.h"

#include "common/store/codec.h"
#include "common/store/errc.h"

namespace dromos::store {
namespace {

const db::Statement kClaim{"store_queue_claim",
                           "SELECT queue_id, recipient_no, address, domain, transport, attempts, "
                           "recipient_options, body_id, trace_id, "
                           "sender, account_id, size, created_at, expires_at, message_options, lease_until "
                           "FROM queue.claim_v1($1, $2, $3, $4)"};
const db::Statement kBody{"store_queue_body",
                          "SELECT chunk_no, codec, data FROM queue.queue_body_v1($1, $2, $3, $4)"};
const db::Statement kRenew{"store_queue_renew", "SELECT queue.renew_v1($1, $2, $3, $4)"};
const db::Statement kFinish{"store_queue_finish", "SELECT queue.finish_v1($1, $2, $3, $4, $5, $6, $7, $8)"};
const db::Statement kNextDue{"store_queue_next", "SELECT queue.next_due_v1()"};
const db::Statement kFromMessage{"store_queue_from_message", "SELECT queue.body_from_message_v1($1, $2, $3)"};
#define ENTRY_COLUMNS                                                                                 \
  "SELECT queue_id, recipient_no, address, domain, transport, state, attempts, due_at, lease_until, " \
  "last_at, "                                                                                         \
  "last_code, last_reply, trace_id, sender, account_id, size, created_at, expires_at "
const db::Statement kList{"store_queue_list", ENTRY_COLUMNS "FROM queue.list_v1($1, $2, $3, $4, $5, $6, $7)"};
const db::Statement kShow{"store_queue_show", ENTRY_COLUMNS "FROM queue.show_v1($1)"};
const db::Statement kControl{"store_queue_control", "SELECT queue.control_v1($1, $2, $3)"};
const db::Statement kStats{"store_queue_stats",
                           "SELECT transport, state, recipients, due, oldest FROM queue.stats_v1()"};

/// A few chunks a round trip: at most 1 MB in memory.
constexpr int32_t kChunksAtOnce = 4;

QueueItem item_of(const db::Rows& rows, size_t row) {
  QueueItem item;
  item.id = rows.id<QueueId>(row, 0);
  item.recipient_no = static_cast<int32_t>(rows.integer(row, 1));
  item.address = rows.text(row, 2);
  item.domain = rows.text(row, 3);
  item.transport = rows.text(row, 4);
  item.attempts = static_cast<int32_t>(rows.integer(row, 5));
  item.recipient_options = rows.text(row, 6);
  item.body = rows.uuid(row, 7);
  item.trace = rows.id<TraceId>(row, 8);
  item.sender = rows.text(row, 9);
  item.account.value = rows.maybe_integer(row, 10).value_or(0);
  item.size = rows.integer(row, 11);
  item.created_us = rows.time_us(row, 12);
  item.expires_us = rows.time_us(row, 13);
  item.message_options = rows.text(row, 14);
  item.lease_until_us = rows.time_us(row, 15);
  return item;
}

std::vector<QueueEntry> entries_of(const db::Rows& rows) {
  std::vector<QueueEntry> list;
  for (size_t row = 0; row < rows.size(); ++row) {
    QueueEntry entry;
    entry.item.id = rows.id<QueueId>(row, 0);
    entry.item.recipient_no = static_cast<int32_t>(rows.integer(row, 1));
    entry.item.address = rows.text(row, 2);
    entry.item.domain = rows.text(row, 3);
    entry.item.transport = rows.text(row, 4);
    entry.state = rows.text(row, 5);
    entry.item.attempts = static_cast<int32_t>(rows.integer(row, 6));
    entry.due_us = rows.time_us(row, 7);
    entry.leased_until_us = rows.maybe_time_us(row, 8);
    entry.last_us = rows.maybe_time_us(row, 9);
    entry.last_code = static_cast<int32_t>(rows.maybe_integer(row, 10).value_or(0));
    if (!rows.is_null(row, 11)) entry.last_reply = rows.text(row, 11);
    entry.item.trace = rows.id<TraceId>(row, 12);
    entry.item.sender = rows.text(row, 13);
    entry.item.account.value = rows.maybe_integer(row, 14).value_or(0);
    entry.item.size = rows.integer(row, 15);
    entry.item.created_us = rows.time_us(row, 16);
    entry.item.expires_us = rows.time_us(row, 17);
    list.push_back(std::move(entry));
  }
  return list;
}

struct Keys {
  std::vector<Uuid> ids;
  std::vector<int32_t> numbers;
  void add(const QueueKey& key) {
    ids.push_back(key.id.value);
    numbers.push_back(key.recipient_no);
  }
};

}  // namespace

Task<Result<std::vector<QueueItem>>> Queue::claim(Uuid token, std::vector<std::string> transports,
                                                  int32_t limit, milliseconds lease, Deadline deadline) {
  db::Params params;
  params.add(token)
      .add_array(std::span<const std::string>(transports))
      .add_int32(limit)
      .add(int64_t{lease.count()});
  CO_TRY(const auto rows, co_await pool_.exec(kClaim, std::move(params), deadline));
  std::vector<QueueItem> items;
  for (size_t row = 0; row < rows.size(); ++row) items.push_back(item_of(rows, row));
  co_return items;
}

Task<Result<void>> Queue::body(QueueId id, Uuid token,
                               std::function<Task<Result<void>>(std::string_view)> on_piece,
                               Deadline deadline) {
  for (int32_t from = 0;; from += kChunksAtOnce) {
    db::Params params;
    params.add(id).add(token).add_int32(from).add_int32(kChunksAtOnce);
    CO_TRY(const auto rows, co_await pool_.exec(kBody, std::move(params), deadline));
    if (rows.empty() && from == 0) co_return fail(StoreErrc::not_found, "lease lost");
    for (size_t row = 0; row < rows.size(); ++row) {
      CO_TRY(const std::string piece, unpack(rows.integer(row, 1), rows.bytes(row, 2)));
      CO_TRY_VOID(co_await on_piece(piece));
    }
    if (rows.size() < static_cast<size_t>(kChunksAtOnce)) co_return Result<void>{};
  }
}

Task<Result<bool>> Queue::renew(Uuid token, std::vector<QueueKey> keys, milliseconds lease,
                                Deadline deadline) {
  Keys columns;
  for (const QueueKey& key : keys) columns.add(key);
  db::Params params;
  params.add(token)
      .add_array(std::span<const Uuid>(columns.ids))
      .add_array(std::span<const int32_t>(columns.numbers));
  params.add(int64_t{lease.count()});
  CO_TRY(const auto rows, co_await pool_.exec(kRenew, std::move(params), deadline));
  co_return rows.integer(0, 0) == static_cast<int64_t>(keys.size());
}

Task<Result<void>> Queue::finish(Uuid token, std::vector<QueueResult> results, Deadline deadline) {
  Keys columns;
  std::vector<std::string> actions, replies, options;
  std::vector<int64_t> due;
  std::vector<int32_t> codes;
  for (const QueueResult& result : results) {
    columns.add(result.key);
    actions.push_back(result.action == QueueAction::done    ? "done"
                      : result.action == QueueAction::retry ? "retry"
                                                            : "hold");
    due.push_back(result.due_us);
    codes.push_back(result.code);
    replies.push_back(result.reply);
    options.push_back(result.options);
  }
  db::Params params;
  params.add(token)
      .add_array(std::span<const Uuid>(columns.ids))
      .add_array(std::span<const int32_t>(columns.numbers));
  params.add_array(std::span<const std::string>(actions))
      .add_time_us_array(due)
      .add_array(std::span<const int32_t>(codes));
  params.add_array(std::span<const std::string>(replies)).add_array(std::span<const std::string>(options));
  auto rows = co_await pool_.exec(kFinish, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  co_return Result<void>{};
}

Task<Result<std::optional<int64_t>>> Queue::next_due_us(Deadline deadline) {
  CO_TRY(const auto rows, co_await pool_.exec(kNextDue, db::Params(), deadline));
  co_return rows.empty() ? std::nullopt : rows.maybe_time_us(0, 0);
}

Task<Result<int64_t>> Queue::body_from_message(AccountId account, MessageId id, Uuid body,
                                               Deadline deadline) {
  db::Params params;
  params.add(account).add(id).add(body);
  auto rows = co_await pool_.exec(kFromMessage, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  co_return rows->integer(0, 0);
}

Task<Result<std::vector<QueueEntry>>> Queue::list(QueueFilter filter, Deadline deadline) {
  db::Params params;
  params.add(filter.domain).add(filter.sender).add(filter.address).add(filter.state).add(filter.after.id);
  params.add_int32(filter.after.recipient_no).add_int32(filter.limit);
  CO_TRY(const auto rows, co_await pool_.exec(kList, std::move(params), deadline));
  co_return entries_of(rows);
}

Task<Result<std::vector<QueueEntry>>> Queue::show(QueueId id, Deadline deadline) {
  db::Params params;
  params.add(id);
  CO_TRY(const auto rows, co_await pool_.exec(kShow, std::move(params), deadline));
  co_return entries_of(rows);
}

Task<Result<int64_t>> Queue::control(QueueId id, std::optional<int32_t> recipient_no, std::string action,
                                     Deadline deadline) {
  db::Params params;
  params.add(id).add_int32(recipient_no.value_or(-1)).add(action);
  auto rows = co_await pool_.exec(kControl, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  co_return rows->integer(0, 0);
}

Task<Result<std::vector<QueueStat>>> Queue::stats(Deadline deadline) {
  CO_TRY(const auto rows, co_await pool_.exec(kStats, db::Params(), deadline));
  std::vector<QueueStat> list;
  for (size_t row = 0; row < rows.size(); ++row)
    list.push_back({rows.text(row, 0), rows.text(row, 1), rows.integer(row, 2), rows.integer(row, 3),
                    rows.time_us(row, 4)});
  co_return list;
}

}  // namespace dromos::store
