#include "common/store/group_commit.h"

#include <algorithm>
#include <set>

#include "common/store/delivery_call.h"
#include "common/store/errc.h"
#include "common/store/write.h"

namespace dromos::store {
namespace {

const db::Statement kLockTimeout{"store_lock_timeout", "SELECT set_config('lock_timeout', $1, true)"};

constexpr milliseconds kLongestLockWait{10'000};

bool outcome_unknown(const Error& error) {
  return error.is(db::DbErrc::connection_lost) || error.is(db::DbErrc::timeout);
}

bool is_busy(const DeliveryResult& result) {
  return std::any_of(result.targets.begin(), result.targets.end(),
                     [](const TargetResult& target) { return target.outcome == Outcome::busy; });
}

uint64_t route_of(const Delivery& delivery) {
  return delivery.targets.empty()
             ? std::hash<Uuid>{}(delivery.id.value)
             : static_cast<uint64_t>(delivery.targets[0].account.value) * 0x9E3779B97F4A7C15u >> 32;
}

metrics::Counter& calls(std::string_view outcome) {
  return metrics::counter("dromos_common_commit_calls_total", "Calls of group commit by what became of them.",
                          {{"outcome", outcome}});
}

}  // namespace

GroupCommit::Stats::Stats()
    : delivered(calls("delivered")),
      batches(
          metrics::counter("dromos_common_commit_batches_total", "Transactions of group commit's lanes.")),
      gatherings(
          metrics::counter("dromos_common_commit_gatherings_total", "Batches that waited for company.")),
      busy(calls("busy")),
      replayed(calls("replayed")),
      earlier(calls("earlier")),
      unknown(calls("unknown")) {}

/// A call on its way: made by the awaiting task, filled in at home, given back to the task's reactor.
struct GroupCommit::Pending {
  const PreparedDelivery* prepared = nullptr;
  Deadline deadline = Deadline::never();
  bool unknown = false;  ///< a try was sent and not answered
  Result<DeliveryResult> result = fail(Errc::internal, "not delivered");
  Reactor* origin = nullptr;
  std::coroutine_handle<> waiter;
};

struct GroupCommit::Submission {
  GroupCommit& commit;
  Pending& call;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    call.waiter = handle;
    call.origin = &Reactor::current();
    if (call.origin == &commit.home_)
      commit.submit(call);
    else
      commit.home_.post([&commit = commit, &call = call] { commit.submit(call); });
  }
  void await_resume() const noexcept {}
};

GroupCommit::GroupCommit(db::Pool& pool, Options options)
    : home_(Reactor::current()),
      pool_(pool),
      options_(std::move(options)),
      lanes_(options_.lanes),
      side_(options_.side_connections) {}

GroupCommit::~GroupCommit() = default;

Task<void> GroupCommit::close() {
  co_await group_.join();
}

Task<Result<DeliveryResult>> GroupCommit::commit(const PreparedDelivery& prepared, Deadline deadline) {
  Pending call;
  call.prepared = &prepared;
  call.deadline = deadline;
  co_await Submission{*this, call};
  co_return std::move(call.result);
}

void GroupCommit::submit(Pending& call) {
  Lane& lane = lanes_[route_of(*call.prepared->delivery) % lanes_.size()];
  lane.waiting.push_back(&call);
  if (lane.waiting.size() >= lane.wanted) lane.full.pulse();
  if (lane.running) return;
  lane.running = true;
  group_.spawn(run_lane(lane));
}

std::vector<GroupCommit::Pending*> GroupCommit::take_batch(Lane& lane) {
  // A delivery may not meet itself in a batch.
  std::set<Uuid> ids;
  std::vector<Pending*> batch;
  size_t bytes = 0;
  auto at = lane.waiting.begin();
  while (at != lane.waiting.end() && batch.size() < kMaxCalls) {
    Pending* call = *at;
    if (!batch.empty() && bytes + call->prepared->bytes > kMaxBytes) break;
    if (!ids.insert(call->prepared->delivery->id.value).second) break;
    bytes += call->prepared->bytes;
    batch.push_back(call);
    at = lane.waiting.erase(at);
  }
  return batch;
}

Task<void> GroupCommit::run_lane(Lane& lane) {
  // Whoever is ready to deliver in this turn of the loop comes along.
  co_await home_.yield();
  while (!lane.waiting.empty()) {
    if (!lane.company.passed()) co_await gather(lane);
    std::vector<Pending*> batch = take_batch(lane);
    const bool company = batch.size() > 1;
    lane.wanted = (batch.size() + 1) / 2;
    co_await run_batch(std::move(batch));
    lane.company = Deadline::after(company ? options_.company : milliseconds(0));
  }
  lane.running = false;
}

Task<void> GroupCommit::gather(Lane& lane) {
  if (lane.waiting.size() >= lane.wanted) co_return;
  stats_.gatherings.add();
  co_await lane.full.wait(Deadline::after(options_.gather));
}

void GroupCommit::finish(Pending& call, Result<DeliveryResult> result) {
  call.result = std::move(result);
  Reactor& origin = *call.origin;
  const auto waiter = call.waiter;
  if (&origin == &Reactor::current())
    origin.schedule(waiter);
  else
    origin.post([&origin, waiter] { origin.schedule(waiter); });
}

void GroupCommit::tell(std::span<Pending* const> batch, std::span<const DeliveryResult> results) const {
  if (!options_.on_stored) return;
  std::vector<Stored> stored;
  for (size_t i = 0; i < batch.size(); ++i)
    if (!results[i].earlier && !is_busy(results[i]))
      stored.push_back({*batch[i]->prepared->delivery, results[i]});
  if (!stored.empty()) options_.on_stored(stored);
}

Task<void> GroupCommit::run_batch(std::vector<Pending*> batch) {
  stats_.batches.add();
  Deadline deadline = batch.front()->deadline;
  std::vector<const PreparedDelivery*> prepared;
  for (const Pending* call : batch) {
    deadline = deadline.earlier(call->deadline);
    prepared.push_back(call->prepared);
  }
  std::vector<db::Call> calls;
  calls.push_back({&kDeliver, deliver_params(false, prepared)});
  auto lease = co_await pool_.acquire(deadline);
  if (!lease) {
    // Nothing was sent: those who have time left try on the side, the others are told.
    for (Pending* call : batch) {
      if (call->deadline.passed())
        finish(*call, Unexpected(lease.error()));
      else
        group_.spawn(run_alone(call));
    }
    co_return;
  }
  auto ran = co_await (*lease)->run(std::move(calls), deadline);
  if (!ran || !ran->results[0]) {
    stats_.replayed.add(batch.size());
    for (Pending* call : batch) {
      call->unknown = !ran && outcome_unknown(ran.error());
      group_.spawn(run_alone(call));
    }
    co_return;
  }
  std::vector<DeliveryResult> results = deliver_results(*ran->results[0], prepared);
  tell(batch, results);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (is_busy(results[i])) {
      stats_.busy.add();
      group_.spawn(run_alone(batch[i]));
      continue;
    }
    (results[i].earlier ? stats_.earlier : stats_.delivered).add();
    finish(*batch[i], std::move(results[i]));
  }
}

Task<void> GroupCommit::run_alone(Pending* call) {
  auto result = co_await try_alone(*call);
  if (!result && result.error().is(StoreErrc::unknown)) stats_.unknown.add();
  finish(*call, std::move(result));
}

/// One try that waits for the account's lock. `lost`: it was sent, and no answer came.
Task<Result<DeliveryResult>> GroupCommit::ask(Pending& call, bool& lost) {
  lost = false;
  const auto left = std::chrono::duration_cast<milliseconds>(
      call.deadline.is_never() ? microseconds(kLongestLockWait) : call.deadline.remaining());
  if (left.count() <= 0)
    co_return fail(StoreErrc::busy, "deadline passed while waiting for the store", Retry::temporary);
  CO_TRY(auto lease, co_await pool_.acquire(call.deadline));
  const PreparedDelivery* prepared[] = {call.prepared};
  db::Params timeout;
  timeout.add(std::to_string(std::min(left, kLongestLockWait).count()));
  std::vector<db::Call> calls;
  calls.push_back({&kLockTimeout, std::move(timeout)});
  calls.push_back({&kDeliver, deliver_params(true, prepared)});
  auto ran = co_await lease->run(std::move(calls), call.deadline);
  if (!ran) {
    lost = outcome_unknown(ran.error());
    co_return Unexpected(std::move(ran).error());
  }
  if (ran->failed >= 0)
    co_return Unexpected(std::move(ran->results[static_cast<size_t>(ran->failed)]).error());
  std::vector<DeliveryResult> results = deliver_results(*ran->results[1], prepared);
  co_return std::move(results[0]);
}

/// Waits for locks and asks again until the outcome is known or the deadline has passed.
Task<Result<DeliveryResult>> GroupCommit::try_alone(Pending& call) {
  const Wake permit = co_await side_.acquire(call.deadline);
  if (permit != Wake::ready)
    co_return fail(call.unknown ? StoreErrc::unknown : StoreErrc::busy, "side lane is full",
                   Retry::temporary);
  struct Permit {
    Semaphore& semaphore;
    ~Permit() { semaphore.release(); }
  } held{side_};
  ById asking{.deadline = call.deadline, .patient = true, .unknown = call.unknown};
  while (true) {
    bool lost = false;
    auto result = co_await ask(call, lost);
    if (result) {
      Pending* const one = &call;
      tell({&one, 1}, {&*result, 1});
      (result->earlier ? stats_.earlier : stats_.delivered).add();
      co_return result;
    }
    CO_TRY_VOID(co_await asking.after(std::move(result).error(), lost));
  }
}

}  // namespace dromos::store
