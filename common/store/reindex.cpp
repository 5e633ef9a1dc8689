#include "common/store/reindex.h"

#include "common/store/codec.h"
#include "common/store/errc.h"

namespace dromos::store {
namespace {

const db::Statement kAsk{"reindex_ask", "SELECT mail.reindex_ask_v1($1)"};
const db::Statement kList{
    "reindex_list", "SELECT address, done, failed, total, asked_at, ended_at FROM mail.reindex_list_v1($1)"};
const db::Statement kNews{"reindex_news",
                          "SELECT mark, written, whole, mailboxes, uids FROM mail.text_news_v1($1, $2, 256)"};
const db::Statement kNext{"reindex_next",
                          "SELECT account_id, message_ids FROM mail.reindex_next_v1($1, $2, $3)"};
const db::Statement kPut{"reindex_put", "SELECT mail.reindex_put_v2($1, $2, $3, $4, $5, $6, $7, $8)"};
const db::Statement kEnd{"reindex_end", "SELECT mail.reindex_end_v1($1)"};

}  // namespace

Task<Result<int64_t>> Reindex::ask(std::optional<AccountId> account, Deadline deadline) {
  db::Params params;
  if (account)
    params.add(*account);
  else
    params.add_null();
  CO_TRY(const auto rows, co_await pool_.exec(kAsk, std::move(params), deadline));
  co_return rows.integer(0, 0);
}

Task<Result<std::vector<Reindex::Progress>>> Reindex::list(int32_t limit, Deadline deadline) {
  db::Params params;
  params.add_int32(limit);
  CO_TRY(const auto rows, co_await pool_.exec(kList, std::move(params), deadline));
  std::vector<Progress> found;
  for (size_t row = 0; row < rows.size(); ++row) {
    Progress one{std::string(rows.text(row, 0)), rows.integer(row, 1), rows.integer(row, 2),
                 rows.integer(row, 3), rows.time_us(row, 4)};
    if (!rows.is_null(row, 5)) one.ended_us = rows.time_us(row, 5);
    found.push_back(one);
  }
  co_return found;
}

Task<Result<Reindex::News>> Reindex::news(AccountId account, int64_t since, Deadline deadline) {
  db::Params params;
  params.add(account).add(since);
  CO_TRY(const auto rows, co_await pool_.exec(kNews, std::move(params), deadline));
  News news{rows.integer(0, 0), rows.integer(0, 1), rows.boolean(0, 2), {}};
  const std::vector<int64_t> mailboxes = rows.integers(0, 3);
  const std::vector<int64_t> uids = rows.integers(0, 4);
  for (size_t i = 0; i < mailboxes.size() && i < uids.size(); ++i)
    news.places.push_back({MailboxId{mailboxes[i]}, static_cast<uint32_t>(uids[i])});
  co_return news;
}

Task<Result<std::optional<Reindex::Step>>> Reindex::next(int32_t shard, int32_t shards, int32_t limit,
                                                         Deadline deadline) {
  db::Params params;
  params.add_int32(shard).add_int32(shards).add_int32(limit);
  CO_TRY(const auto rows, co_await pool_.exec(kNext, std::move(params), deadline));
  std::optional<Step> step;
  if (!rows.empty()) {
    step.emplace();
    step->account = rows.id<AccountId>(0, 0);
    step->messages = rows.ids<MessageId>(0, 1);
  }
  co_return step;
}

Task<Result<void>> Reindex::put(const Step& step, Texts texts, Deadline deadline) {
  db::Params params;
  params.add(step.account).add(step.messages.back()).add(static_cast<int64_t>(step.messages.size()));
  params.add_array(texts.ids).add_int16(kCodecZstd);
  params.add_bool_array(texts.truncated).add_bytes_array(texts.data);
  params.add_array(texts.later);
  auto rows = co_await pool_.exec(kPut, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  co_return Result<void>{};
}

Task<Result<void>> Reindex::end(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY_VOID(co_await pool_.exec(kEnd, std::move(params), deadline));
  co_return Result<void>{};
}

}  // namespace dromos::store
