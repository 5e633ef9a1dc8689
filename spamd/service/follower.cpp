#include "spamd/service/follower.h"

#include "common/log/log.h"
#include "spamd/store/model_store.h"

namespace dromos::spamd {

namespace {
constexpr auto kTimeout = seconds(20);
}  // namespace

Task<Result<void>> Follower::catch_up(Deadline deadline) {
  CO_TRY(const Mutex::Guard guard, co_await mutex_.lock(deadline));
  co_return co_await catch_up_locked(deadline);
}

Task<Result<void>> Follower::catch_up_locked(Deadline deadline) {
  bool reload = !loaded_;
  while (true) {
    if (reload) {
      CO_TRY(Model model, co_await store_.load(deadline));
      log::info("model.load", {{"version", model.version}, {"tokens", model.weights.size()}});
      engine_.replace(std::move(model));
      loaded_ = true;
    }
    CO_TRY(const Changes changes, co_await store_.changes(engine_.version(), deadline));
    reload = changes.reload || !engine_.apply(changes.events);
    if (!reload && (engine_.version() >= changes.version || changes.events.empty())) co_return Result<void>();
  }
}

Task<void> Follower::run(milliseconds interval, CancelToken token) {
  bool reachable = true;
  while (!token.cancelled()) {
    const Result<void> done = co_await catch_up(Deadline::after(kTimeout));
    if (!done && reachable) log::warn("model.stale", {{"err", done.error()}});
    if (done && !reachable) log::info("model.current", {{"version", engine_.version()}});
    reachable = done.has_value();
    co_await sleep_for(interval, token);
  }
}

}  // namespace dromos::spamd
