#include "common/store/check.h"

#include "common/store/errc.h"

namespace dromos::store {
namespace {

const db::Statement kAccounts{"store_accounts", "SELECT a FROM mail.accounts_v1($1, 1000) AS a"};
const db::Statement kAccount{"store_check_account",
                             "SELECT problem, mailbox_id, detail FROM mail.check_account_v3($1)"};
const db::Statement kGlobal{"store_check_global", "SELECT problem, detail FROM mail.check_global_v1()"};
const db::Statement kRepair{"store_repair", "SELECT mail.repair_account_v2($1)"};
const db::Statement kRestored{"store_restored", "SELECT mail.restored_v1($1, 100)"};

}  // namespace

Task<Result<int64_t>> Check::run_account(AccountId account, std::function<void(const Problem&)> on_problem,
                                         Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool_.exec(kAccount, std::move(params), deadline));
  for (size_t row = 0; row < rows.size(); ++row)
    on_problem(
        {account, MailboxId{rows.maybe_integer(row, 1).value_or(0)}, rows.text(row, 0), rows.text(row, 2)});
  co_return static_cast<int64_t>(rows.size());
}

Task<Result<int64_t>> Check::run(std::function<void(const Problem&)> on_problem, Deadline deadline) {
  CO_TRY(const auto global, co_await pool_.exec(kGlobal, db::Params(), deadline));
  for (size_t row = 0; row < global.size(); ++row)
    on_problem({{}, {}, global.text(row, 0), global.text(row, 1)});
  auto count = static_cast<int64_t>(global.size());
  AccountId last;
  while (true) {
    db::Params params;
    params.add(last);
    CO_TRY(const auto accounts, co_await pool_.exec(kAccounts, std::move(params), deadline));
    if (accounts.empty()) co_return count;
    for (size_t row = 0; row < accounts.size(); ++row) {
      last = accounts.id<AccountId>(row, 0);
      auto found = co_await run_account(last, on_problem, deadline);
      if (!found && mapped(found.error()).is(StoreErrc::not_found)) continue;  // removed meanwhile
      if (!found) co_return Unexpected(std::move(found).error());
      count += *found;
    }
  }
}

Task<Result<int64_t>> Check::repair(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  auto rows = co_await pool_.exec(kRepair, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  co_return rows->integer(0, 0);
}

Task<Result<int64_t>> Check::restored(Deadline deadline) {
  int64_t slices = 0;
  AccountId last;
  while (true) {
    db::Params params;
    params.add(last);
    CO_TRY(const auto rows, co_await pool_.exec(kRestored, std::move(params), deadline));
    if (rows.is_null(0, 0)) co_return slices;
    last = rows.id<AccountId>(0, 0);
    ++slices;
  }
}

}  // namespace dromos::store
