#include "common/store/quota.h"

#include "common/store/errc.h"

namespace dromos::store {
namespace {

const db::Statement kGet{"store_quota",
                         "SELECT used_bytes, used_messages, mailboxes, quota_bytes, quota_messages, "
                         "quota_mailboxes FROM mail.quota_v1($1)"};
const db::Statement kSet{"store_quota_set", "SELECT mail.account_quota_v1($1, $2, $3, $4)"};

}  // namespace

Task<Result<Quota>> Quotas::get(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool_.exec(kGet, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "account has no mail");
  co_return Quota{rows.integer(0, 0),       rows.integer(0, 1),       rows.integer(0, 2),
                  rows.maybe_integer(0, 3), rows.maybe_integer(0, 4), rows.maybe_integer(0, 5)};
}

Task<Result<void>> Quotas::set(AccountId account, std::optional<int64_t> bytes,
                               std::optional<int64_t> messages, std::optional<int64_t> mailboxes,
                               Deadline deadline) {
  db::Params params;
  params.add(account).add(bytes).add(messages).add(mailboxes);
  auto rows = co_await pool_.exec(kSet, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  co_return Result<void>{};
}

}  // namespace dromos::store
