#include "common/store/quota.h"

#include "common/store/errc.h"
#include "common/store/write.h"

namespace dromos::store {
namespace {

const db::Statement kGet{"store_quota",
                         "SELECT used_bytes, used_messages, mailboxes, quota_bytes, quota_messages, "
                         "quota_mailboxes FROM mail.quota_v1($1)"};
const db::Statement kSet{"store_quota_set", "SELECT mail.account_quota_v1($1, $2, $3, $4)"};
const db::Statement kReplace{"store_quota_replace",
                             "SELECT mail.quota_replace_v2($1, $2, $3, $4, $5, $6, $7)"};

}  // namespace

Task<Result<Quota>> Quotas::get(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool_.exec(kGet, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "account has no mail");
  co_return Quota{rows.integer(0, 0),       rows.integer(0, 1),       rows.integer(0, 2),
                  rows.maybe_integer(0, 3), rows.maybe_integer(0, 4), rows.maybe_integer(0, 5)};
}

/// Doing it twice is doing it once.
Task<Result<void>> Quotas::set(AccountId account, std::optional<int64_t> bytes,
                               std::optional<int64_t> messages, std::optional<int64_t> mailboxes,
                               Deadline deadline) {
  const auto params = [account, bytes, messages, mailboxes] {
    db::Params made;
    made.add(account).add(bytes).add(messages).add(mailboxes);
    return made;
  };
  CO_TRY_VOID(co_await write_settled(pool_, kSet, params, deadline));
  co_return Result<void>{};
}

Task<Result<void>> Quotas::replace(By by, AccountId account, std::optional<int64_t> bytes,
                                   std::optional<int64_t> messages, std::optional<int64_t> mailboxes,
                                   Deadline deadline) {
  const auto params = [by, account, bytes, messages, mailboxes] {
    db::Params made;
    made.add(by.actor).add(by.remote).add(by.trace).add(account).add(bytes).add(messages).add(mailboxes);
    return made;
  };
  CO_TRY_VOID(co_await write_settled(pool_, kReplace, params, deadline));
  co_return Result<void>{};
}

}  // namespace dromos::store
