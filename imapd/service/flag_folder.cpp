#include "imapd/service/flag_folder.h"

namespace dromos::imapd {
namespace {
constexpr milliseconds kInterval{60000};  // of the look behind wake-ups
constexpr milliseconds kFirst{2000};      // the next STORE may stand in for the one before it
constexpr int32_t kRuns = 100;
constexpr int32_t kEntries = 2000;  // under the account's lock, some 5 ms
}  // namespace

FlagFolder::FlagFolder(db::Pool& pool, jobs::LeasedRunner& jobs) : runs_(pool) {
  jobs.add(std::string(kJob), kInterval, [this](jobs::JobContext& context) { return run(context); });
}

Task<Result<void>> FlagFolder::run(jobs::JobContext& context) {
  CO_TRY(auto places, co_await runs_.pending(kRuns, context.limit()));
  if (places.empty()) co_return Result<void>{};
  bool on = co_await context.slice(kFirst);
  for (const auto& place : places) {
    bool more = true;
    while (on && more) {
      CO_TRY(more, co_await runs_.fold(place, kEntries, context.limit()));
      context.count("slices", 1);
      on = co_await context.slice();
    }
  }
  context.again();
  co_return Result<void>{};
}

}  // namespace dromos::imapd
