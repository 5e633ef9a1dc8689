#include "admind/service/upkeep.h"

#include "admind/service/retention.h"
#include "common/async/waiter.h"
#include "common/db/pool.h"
#include "common/directory/errc.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"

namespace dromos::admind {

namespace {

constexpr seconds kHour{3600}, kDay{24 * 3600};
constexpr seconds kLockLimit{5};
constexpr int kKeepExpiredDays = 30;
constexpr int64_t kSlice = 1000;

constexpr db::Statement kSecretsTrim{"admin_secrets_trim", "SELECT admin.secrets_trim_v1($1, 1000)"};
constexpr db::Statement kAccounts{"admin_mail_accounts", "SELECT a FROM mail.accounts_v1($1, 500) AS a"};

Task<Result<void>> collect(Services& services, jobs::JobContext& context) {
  CO_TRY(const auto settings, co_await services.administrators.settings(context.limit()));
  auto round =
      services.collector.run(retention_of(settings), context.limit(), [&] { return context.stopping(); });
  CO_TRY(const auto report, co_await std::move(round));
  context.count("partitions_made", report.partitions_made);
  context.count("partitions_dropped", report.partitions_dropped);
  context.count("entries_purged", report.entries_purged);
  context.count("blobs_collected", report.blobs_collected);
  context.count("queue_bodies", report.queue_bodies);
  co_return Result<void>{};
}

// Only where a policy says so: by default mail in Trash and Junk stays until its owner throws it away.
Task<Result<void>> expire_mail(Services& services, jobs::JobContext& context) {
  CO_TRY(const auto settings, co_await services.administrators.settings(context.limit()));
  const store::Retention retention = retention_of(settings);
  for (const auto& [role, age] : {std::pair{"trash", retention.trash}, std::pair{"junk", retention.junk}}) {
    if (age.count() == 0) continue;
    const auto tell = [&services](store::Change change) {
      services.runtime.hints().publish({{change.account, change.modseq}});
    };
    auto round =
        services.collector.expire(role, age, tell, context.limit(), [&] { return context.stopping(); });
    CO_TRY(const int64_t expired, co_await std::move(round));
    context.count(role, expired);
  }
  co_return Result<void>{};
}

Task<Result<void>> trim_secrets(Services& services, jobs::JobContext& context) {
  while (true) {
    CO_TRY(const auto rows, co_await services.pool.exec(
                                kSecretsTrim, db::Params().add_int32(kKeepExpiredDays), context.limit()));
    context.count("secrets", rows.integer(0, 0));
    if (rows.integer(0, 0) < kSlice || context.stopping()) co_return Result<void>{};
  }
}

Task<Result<void>> trim_idempotency(Services& services, jobs::JobContext& context) {
  while (true) {
    CO_TRY(const int64_t gone, co_await services.administrators.trim_idempotency(kSlice, context.limit()));
    context.count("keys", gone);
    if (gone < kSlice || context.stopping()) co_return Result<void>{};
  }
}

// Mail whose account the directory has given up, when the daemon that deleted it did not come to the end.
Task<Result<void>> purge_deleted(Services& services, jobs::JobContext& context) {
  const Deadline deadline = context.limit();
  int64_t after = 0;
  context.count("accounts", 0);
  while (true) {
    CO_TRY(const auto rows, co_await services.pool.exec(kAccounts, db::Params().add(after), deadline));
    if (rows.empty()) co_return Result<void>{};
    for (size_t row = 0; row < rows.size(); ++row) {
      if (context.stopping()) co_return Result<void>{};
      const AccountId account = rows.id<AccountId>(row, 0);
      after = account.value;
      auto there = co_await services.directory.account(account, deadline);
      if (there) continue;
      if (!there.error().is(Errc::not_found)) co_return fail(there.error());
      auto purge = services.collector.purge_account(account, deadline, [&] { return context.stopping(); });
      CO_TRY(const bool whole, co_await std::move(purge));
      if (whole) context.count("accounts", 1);
    }
  }
}

}  // namespace

void add_upkeep(jobs::LeasedRunner& runner, Services& services) {
  using jobs::JobContext;
  runner.add("admind.collect", kHour, [&](JobContext& context) { return collect(services, context); });
  runner.add("admind.expire_mail", kHour,
             [&](JobContext& context) { return expire_mail(services, context); });
  runner.add("admind.purge_accounts", kDay,
             [&](JobContext& context) { return purge_deleted(services, context); });
  runner.add("admind.trim_secrets", kDay,
             [&](JobContext& context) { return trim_secrets(services, context); });
  runner.add("admind.trim_idempotency", kHour,
             [&](JobContext& context) { return trim_idempotency(services, context); });
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
