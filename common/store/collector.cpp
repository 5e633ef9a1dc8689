#include "common/store/collector.h"

#include <unistd.h>

#include <cerrno>

#include "common/async/offload.h"
#include "common/store/errc.h"

namespace dromos::store {
namespace {

const db::Statement kMake{"store_partitions_make", "SELECT mail.partitions_make_v1($1)"};
const db::Statement kDrop{"store_partitions_drop", "SELECT mail.partitions_drop_v1($1, $2)"};
const db::Statement kTrim{"store_changelog_trim", "SELECT mail.changelog_trim_v1($1, $2, 1000)"};
const db::Statement kCandidates{"store_collect_candidates",
                                "SELECT a FROM mail.collect_candidates_v1($1, $2, 1000) AS a"};
const db::Statement kPurge{"store_purge", "SELECT mail.purge_expunged_v1($1, $2, $3)"};
const db::Statement kCollect{"store_collect", "SELECT mail.collect_blobs_v1($1, $2, $3)"};
const db::Statement kQueue{"store_queue_collect", "SELECT queue.collect_v1($1, $2)"};
const db::Statement kExpireCandidates{"store_expire_candidates",
                                      "SELECT a FROM mail.expire_candidates_v1($1, $2, 500) AS a"};
const db::Statement kExpire{"store_expire",
                            "SELECT modseq, expired FROM mail.expire_role_v1($1, $2, $3, $4)"};
const db::Statement kWatchdog{"store_watchdog", "SELECT mail.watchdog_v1($1)"};
const db::Statement kAccountPurge{"store_account_purge", "SELECT mail.account_purge_v1($1, $2)"};
const db::Statement kTombstones{"store_tombstones", "SELECT t FROM mail.tombstones_v1($1, $2) AS t"};
const db::Statement kTombstonesDone{"store_tombstones_done", "SELECT mail.tombstones_done_v1($1)"};

int64_t before(seconds age) {
  return Clock::now_us() - std::chrono::duration_cast<microseconds>(age).count();
}

/// Repeats a function (account, before, limit) -> count until a slice is not full.
Task<Result<int64_t>> slices(db::Pool& pool, const db::Statement& statement, AccountId account,
                             int64_t before_us, Deadline deadline, const Collector::Stop* stop) {
  int64_t total = 0;
  while (!(*stop)()) {
    db::Params params;
    params.add(account).add_time_us(before_us).add_int32(Collector::kSlice);
    CO_TRY(const auto rows, co_await pool.exec(statement, std::move(params), deadline));
    total += rows.integer(0, 0);
    if (rows.integer(0, 0) < Collector::kSlice) break;
  }
  co_return total;
}

}  // namespace

Task<Result<CollectorReport>> Collector::run(Retention retention, Deadline deadline, Stop stop) {
  CollectorReport report;
  db::Params now;
  now.add_time_us(Clock::now_us());
  CO_TRY(const auto made, co_await pool_.exec(kMake, std::move(now), deadline));
  report.partitions_made = made.integer(0, 0);
  for (const auto& [table, age] :
       {std::pair{"delivery", retention.deliveries}, std::pair{"trace", retention.traces}}) {
    db::Params params;
    params.add(table).add_time_us(before(age));
    CO_TRY(const auto rows, co_await pool_.exec(kDrop, std::move(params), deadline));
    report.partitions_dropped += rows.integer(0, 0);
  }
  for (int64_t after = 0; !stop();) {
    db::Params params;
    params.add_time_us(before(retention.changelog)).add(after);
    CO_TRY(const auto rows, co_await pool_.exec(kTrim, std::move(params), deadline));
    if (rows.is_null(0, 0)) break;  // one old partition a round
    after = rows.integer(0, 0);
  }
  db::Params ask;
  ask.add_time_us(before(retention.blobs)).add_time_us(before(retention.expunged));
  CO_TRY(const auto accounts, co_await pool_.exec(kCandidates, std::move(ask), deadline));
  for (size_t row = 0; row < accounts.size() && !stop(); ++row) {
    const AccountId account = accounts.id<AccountId>(row, 0);
    CO_TRY(const int64_t purged,
           co_await slices(pool_, kPurge, account, before(retention.expunged), deadline, &stop));
    CO_TRY(const int64_t collected,
           co_await slices(pool_, kCollect, account, before(retention.blobs), deadline, &stop));
    report.entries_purged += purged;
    report.blobs_collected += collected;
  }
  db::Params queue;
  queue.add_time_us(before(retention.blobs)).add_int32(kSlice);
  CO_TRY(const auto bodies, co_await pool_.exec(kQueue, std::move(queue), deadline));
  report.queue_bodies = bodies.integer(0, 0);
  co_return report;
}

Task<Result<int64_t>> Collector::expire(std::string role, seconds age, std::function<void(Change)> changed,
                                        Deadline deadline, Stop stop) {
  int64_t total = 0;
  for (AccountId account{};;) {
    CO_TRY(const auto accounts,
           co_await pool_.exec(kExpireCandidates, db::Params().add(role).add(account), deadline));
    if (accounts.empty()) co_return total;
    for (size_t row = 0; row < accounts.size(); ++row) {
      account = accounts.id<AccountId>(row, 0);
      for (int64_t expired = kSlice; expired == kSlice;) {
        if (stop()) co_return total;
        db::Params params;
        params.add(account).add(role).add_time_us(before(age)).add_int32(kSlice);
        CO_TRY(const auto rows, co_await pool_.exec(kExpire, std::move(params), deadline));
        expired = rows.integer(0, 1);
        total += expired;
        if (const auto modseq = rows.maybe_integer(0, 0)) changed({account, *modseq});
      }
    }
  }
}

Task<Result<int64_t>> Collector::watchdog(seconds limit, Deadline deadline) {
  db::Params params;
  params.add_int32(static_cast<int32_t>(limit.count()));
  CO_TRY(const auto rows, co_await pool_.exec(kWatchdog, std::move(params), deadline));
  co_return rows.integer(0, 0);
}

Task<Result<bool>> Collector::purge_account(AccountId account, Deadline deadline, Stop stop) {
  while (!stop()) {
    db::Params params;
    params.add(account).add_int32(kSlice);
    CO_TRY(const auto rows, co_await pool_.exec(kAccountPurge, std::move(params), deadline));
    if (rows.boolean(0, 0)) co_return true;
  }
  co_return false;
}

Task<Result<int64_t>> Collector::unlink_files(std::string folder, Deadline deadline) {
  constexpr seconds kTombstoneAge{24 * 3600};
  db::Params params;
  params.add_time_us(before(kTombstoneAge)).add_int32(kSlice);
  CO_TRY(const auto rows, co_await pool_.exec(kTombstones, std::move(params), deadline));
  std::vector<std::string> names;
  for (size_t row = 0; row < rows.size(); ++row) names.push_back(rows.text(row, 0));
  const std::vector<std::string> done = co_await offload([folder, names] {
    std::vector<std::string> gone;
    for (const std::string& name : names)
      if (name.find("..") == std::string::npos &&
          (unlink((folder + "/" + name).c_str()) == 0 || errno == ENOENT))
        gone.push_back(name);
    return gone;
  });
  db::Params gone;
  gone.add_array(std::span<const std::string>(done));
  CO_TRY_VOID(co_await pool_.exec(kTombstonesDone, std::move(gone), deadline));
  co_return static_cast<int64_t>(done.size());
}

}  // namespace dromos::store
