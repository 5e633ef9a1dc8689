#include "common/store/trace.h"

namespace dromos::store {
namespace {

#define TRACE_COLUMNS "SELECT trace_id, at, daemon, event, sender, recipient, account_id, code, detail "
const db::Statement kPut{"store_trace_put", "SELECT mail.trace_put_v1($1, $2, $3, $4, $5, $6, $7, $8)"};
const db::Statement kGet{"store_trace_get", TRACE_COLUMNS "FROM mail.trace_get_v1($1)"};
const db::Statement kFind{"store_trace_find",
                          TRACE_COLUMNS "FROM mail.trace_find_v2($1, $2, $3, $4, $5, $6, $7)"};

std::vector<TraceRow> rows_of(const db::Rows& rows) {
  std::vector<TraceRow> list;
  for (size_t row = 0; row < rows.size(); ++row) {
    TraceRow item;
    item.event.trace = rows.id<TraceId>(row, 0);
    item.at_us = rows.time_us(row, 1);
    item.event.daemon = rows.text(row, 2);
    item.event.event = rows.text(row, 3);
    item.event.sender = rows.text(row, 4);
    item.event.recipient = rows.text(row, 5);
    item.event.account.value = rows.maybe_integer(row, 6).value_or(0);
    item.event.code = static_cast<int32_t>(rows.maybe_integer(row, 7).value_or(0));
    item.event.detail = rows.text(row, 8);
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace

Task<Result<void>> Traces::put(std::vector<TraceEvent> events, Deadline deadline) {
  std::vector<TraceId> ids;
  std::vector<std::string> daemons, names, senders, recipients, details;
  std::vector<AccountId> accounts;
  std::vector<int32_t> codes;
  for (TraceEvent& event : events) {
    ids.push_back(event.trace);
    daemons.push_back(std::move(event.daemon));
    names.push_back(std::move(event.event));
    senders.push_back(std::move(event.sender));
    recipients.push_back(std::move(event.recipient));
    accounts.push_back(event.account);
    codes.push_back(event.code);
    details.push_back(std::move(event.detail));
  }
  db::Params params;
  params.add_array(ids).add_array(std::span<const std::string>(daemons));
  params.add_array(std::span<const std::string>(names)).add_array(std::span<const std::string>(senders));
  params.add_array(std::span<const std::string>(recipients)).add_array(accounts);
  params.add_array(std::span<const int32_t>(codes)).add_array(std::span<const std::string>(details));
  CO_TRY_VOID(co_await pool_.exec(kPut, std::move(params), deadline));
  co_return Result<void>{};
}

Task<Result<std::vector<TraceRow>>> Traces::get(TraceId trace, Deadline deadline) {
  db::Params params;
  params.add(trace);
  CO_TRY(const auto rows, co_await pool_.exec(kGet, std::move(params), deadline));
  co_return rows_of(rows);
}

Task<Result<std::vector<TraceRow>>> Traces::find(TraceQuery query, Deadline deadline) {
  db::Params params;
  params.add(query.sender)
      .add(query.recipient)
      .add(query.event)
      .add(query.message_id)
      .add_time_us(query.from_us)
      .add_time_us(query.to_us);
  params.add_int32(query.limit);
  CO_TRY(const auto rows, co_await pool_.exec(kFind, std::move(params), deadline));
  co_return rows_of(rows);
}

}  // namespace dromos::store
