#include "common/store/attachments.h"

#include "common/store/codec.h"
#include "common/store/errc.h"

namespace dromos::store {
namespace {

const db::Statement kWait{"attachment_wait", "SELECT mail.attachment_wait_v1($1, $2, false)"};
const db::Statement kNext{"attachment_next",
                          "SELECT account_id, message_id FROM mail.attachment_next_v1($1)"};
const db::Statement kBegin{"attachment_begin", "SELECT mail.attachment_begin_v1($1, $2, $3)"};
const db::Statement kPut{
    "attachment_put", "SELECT mailbox_id, uid FROM mail.attachment_put_v1($1, $2, $3, $4, $5, $6, $7, $8)"};

}  // namespace

Task<Result<int64_t>> Attachments::wait(AccountId account, std::vector<MessageId> ids, Deadline deadline) {
  db::Params params;
  params.add(account).add_array(ids);
  CO_TRY(const auto rows, co_await pool_.exec(kWait, std::move(params), deadline));
  co_return rows.integer(0, 0);
}

Task<Result<std::optional<Attachments::Waiting>>> Attachments::next(AccountId after, Deadline deadline) {
  db::Params params;
  params.add(after);
  CO_TRY(const auto rows, co_await pool_.exec(kNext, std::move(params), deadline));
  std::optional<Waiting> found;
  if (!rows.empty()) found = Waiting{rows.id<AccountId>(0, 0), rows.id<MessageId>(0, 1)};
  co_return found;
}

Task<Result<bool>> Attachments::begin(const Waiting& one, Deadline deadline) {
  db::Params params;
  params.add(one.account).add(one.message).add_int32(kAttempts);
  CO_TRY(const auto rows, co_await pool_.exec(kBegin, std::move(params), deadline));
  co_return rows.boolean(0, 0);
}

Task<Result<std::vector<Attachments::Place>>> Attachments::put(const Waiting& one, Done done,
                                                               Deadline deadline) {
  db::Params params;
  params.add(one.account).add(one.message).add_int32(done.texts).add_int32(done.failures);
  if (done.reason.empty())
    params.add_null();
  else
    params.add(done.reason);
  params.add_int16(kCodecZstd).add(done.truncated);
  if (done.has_text)
    params.add_bytes_view(done.packed);
  else
    params.add_null();
  std::vector<db::Call> calls;
  calls.push_back({&kPut, std::move(params)});
  if (done.has_text) {
    std::vector<WordDocument> documents{std::move(done.document)};
    calls.push_back(co_await WordIndex::call_to_put(one.account, std::move(documents)));
  }
  CO_TRY(auto batch, co_await pool_.run(std::move(calls), deadline));
  if (batch.failed >= 0)
    co_return Unexpected(mapped(std::move(batch.results[static_cast<size_t>(batch.failed)]).error()));
  const db::Rows& rows = *batch.results.front();
  std::vector<Place> places;
  for (size_t row = 0; row < rows.size(); ++row)
    places.push_back({rows.id<MailboxId>(row, 0), static_cast<uint32_t>(rows.integer(row, 1))});
  co_return places;
}

}  // namespace dromos::store
