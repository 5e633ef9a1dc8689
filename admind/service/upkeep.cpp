#include "admind/service/upkeep.h"

#include "common/async/waiter.h"
#include "common/db/pool.h"
#include "common/directory/errc.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"

namespace dromos::admind {

namespace {

constexpr seconds kHour{3600}, kDay{24 * 3600}, kLease{600};
constexpr seconds kLockLimit{5};
constexpr int kKeepExpiredDays = 30;

constexpr db::Statement kSecretsTrim{"admin_secrets_trim", "SELECT admin.secrets_trim_v1($1, 1000)"};
constexpr db::Statement kAccounts{"admin_mail_accounts", "SELECT a FROM mail.accounts_v1($1, 500) AS a"};

std::string number(const char* name, int64_t value) {
  return std::string("\"") + name + "\":" + std::to_string(value);
}

Task<Result<std::string>> collect(Services& services, Deadline deadline) {
  CO_TRY(const auto report, co_await services.collector.run(store::Retention{}, deadline));
  co_return "{" + number("partitions_made", report.partitions_made) + "," +
      number("partitions_dropped", report.partitions_dropped) + "," +
      number("entries_purged", report.entries_purged) + "," +
      number("blobs_collected", report.blobs_collected) + "," + number("queue_bodies", report.queue_bodies) +
      "}";
}

Task<Result<std::string>> trim_secrets(Services& services, Deadline deadline) {
  int64_t total = 0;
  while (true) {
    CO_TRY(const auto rows,
           co_await services.pool.exec(kSecretsTrim, db::Params().add_int32(kKeepExpiredDays), deadline));
    total += rows.integer(0, 0);
    if (rows.integer(0, 0) < 1000) co_return "{" + number("secrets", total) + "}";
  }
}

Task<Result<std::string>> trim_idempotency(Services& services, Deadline deadline) {
  int64_t total = 0;
  while (true) {
    CO_TRY(const int64_t gone, co_await services.administrators.trim_idempotency(1000, deadline));
    total += gone;
    if (gone < 1000) co_return "{" + number("keys", total) + "}";
  }
}

// Mail whose account the directory has given up, when the daemon that deleted it did not come to the end.
Task<Result<std::string>> purge_deleted(Services& services, Deadline deadline) {
  int64_t after = 0, purged = 0;
  while (true) {
    CO_TRY(const auto rows, co_await services.pool.exec(kAccounts, db::Params().add(after), deadline));
    if (rows.empty()) co_return "{" + number("accounts", purged) + "}";
    for (size_t row = 0; row < rows.size(); ++row) {
      const AccountId account = rows.id<AccountId>(row, 0);
      after = account.value;
      auto there = co_await services.directory.account(account, deadline);
      if (there) continue;
      if (!there.error().is(Errc::not_found)) co_return fail(there.error());
      CO_TRY_VOID(co_await services.collector.purge_account(account, deadline));
      ++purged;
    }
  }
}

}  // namespace

void add_upkeep(jobs::JobRunner& runner, Services& services) {
  runner.add({"store.collect", kHour, kLease, [&services](Deadline d) { return collect(services, d); }});
  runner.add({"account.purge", kDay, kLease, [&services](Deadline d) { return purge_deleted(services, d); }});
  runner.add({"secrets.trim", kDay, kLease, [&services](Deadline d) { return trim_secrets(services, d); }});
  runner.add(
      {"idempotency.trim", kHour, kLease, [&services](Deadline d) { return trim_idempotency(services, d); }});
}

Task<void> watch_locks(Services& services, CancelToken token) {
  static metrics::Counter& ended =
      metrics::counter("dromos_admind_watchdog_kills_total",
                       "Database sessions ended because they held locks while waiting for their client.");
  while (!token.cancelled()) {
    auto killed = co_await services.collector.watchdog(kLockLimit, Deadline::after(seconds(5)));
    if (killed && *killed > 0) {
      ended.add(static_cast<uint64_t>(*killed));
      log::warn("watchdog.ended", {{"sessions", *killed}});
    }
    co_await sleep_for(seconds(3), token);
  }
}

}  // namespace dromos::admind
