#include "common/store/deliverer.h"

#include <algorithm>
#include <set>

#include "common/async/reactor.h"
#include "common/store/delivery_call.h"
#include "common/store/errc.h"
#include "common/store/queue_body.h"

namespace dromos::store {
namespace {

const db::Statement kLockTimeout{"store_lock_timeout", "SELECT set_config('lock_timeout', $1, true)"};

constexpr milliseconds kRetryPause{50};
constexpr milliseconds kLongestLockWait{10'000};

bool outcome_unknown(const Error& error) {
  return error.is(db::DbErrc::connection_lost) || error.is(db::DbErrc::timeout);
}

}  // namespace

struct Deliverer::Pending {
  Delivery delivery;
  PreparedDelivery prepared;
  Deadline deadline = Deadline::never();
  Event done;
  bool unknown = false;  ///< a try was sent and not answered
  Result<DeliveryResult> result = fail(Errc::internal, "not delivered");
};

Deliverer::Deliverer(db::Pool& pool, BlobStore& blobs, Options options)
    : pool_(pool), blobs_(blobs), lanes_(options.lanes), side_(options.side_connections) {}

Deliverer::~Deliverer() = default;

Task<void> Deliverer::close() {
  co_await group_.join();
}

Task<Result<void>> Deliverer::prepare(Pending& call, Deadline deadline) {
  call.prepared.delivery = &call.delivery;
  for (size_t i = 0; i < call.delivery.messages.size(); ++i) {
    NewMessage& message = call.delivery.messages[i];
    PackedMessage packed;
    std::shared_ptr<const BlobSource> source = message.source;
    if (source == nullptr) source = std::make_shared<StringSource>(message.raw);
    packed.size = source->size();
    packed.header_size = std::min(message.header_size, packed.size);
    std::vector<AccountId> accounts;
    for (const LocalTarget& target : call.delivery.targets)
      if (target.message == i) accounts.push_back(target.account);
    std::sort(accounts.begin(), accounts.end());
    accounts.erase(std::unique(accounts.begin(), accounts.end()), accounts.end());
    const bool small = packed.size <= kInlineBytes;
    bool queued = false;
    for (const QueueTarget& target : call.delivery.queue) {
      if (target.message != i) continue;
      queued = true;
      if (!small || !blobs_.takes_inline()) {
        CO_TRY_VOID(co_await stage_queue_body(pool_, target.body, *source, packed.header_size, deadline));
      }
    }
    if (small && blobs_.takes_inline()) {
      CO_TRY(const std::string raw, source->read(0, packed.size));
      packed.hash = crypto::sha256(raw);
      packed.header = pack(std::string_view(raw).substr(0, packed.header_size));
      packed.body = pack(std::string_view(raw).substr(packed.header_size));
    } else if (!accounts.empty()) {
      auto staged = co_await blobs_.stage(std::move(accounts), *source, packed.header_size, deadline);
      // An account without mail is an outcome of its target, found by deliver_v1.
      if (!staged && !staged.error().is(StoreErrc::not_found))
        co_return Unexpected(std::move(staged).error());
      if (staged) packed.hash = staged->hash;
    } else if (queued) {
      packed.hash = hash_of(*source);
    }
    if (!message.text.empty()) packed.text = pack(message.text);
    for (int64_t key : message.thread_keys) {
      if (!packed.keys.empty()) packed.keys += ' ';
      packed.keys += std::to_string(key);
    }
    message.text.clear();
    call.prepared.bytes += packed.header.size() + packed.body.size() + packed.text.size() +
                           packed.keys.size() + message.facts.size() + 256;
    call.prepared.packed.push_back(std::move(packed));
  }
  call.prepared.bytes += 128 * call.delivery.targets.size();
  co_return Result<void>{};
}

Task<Result<DeliveryResult>> Deliverer::deliver(Delivery delivery, Deadline deadline) {
  for (const LocalTarget& target : delivery.targets) DROMOS_ASSERT(target.message < delivery.messages.size());
  for (const QueueTarget& target : delivery.queue) DROMOS_ASSERT(target.message < delivery.messages.size());
  Pending call;
  call.delivery = std::move(delivery);
  call.deadline = deadline;
  auto prepared = co_await prepare(call, deadline);
  if (!prepared) co_return Unexpected(mapped(std::move(prepared).error()));

  const std::vector<LocalTarget>& targets = call.delivery.targets;
  const uint64_t route = targets.empty()
                             ? std::hash<Uuid>{}(call.delivery.id.value)
                             : static_cast<uint64_t>(targets[0].account.value) * 0x9E3779B97F4A7C15u >> 32;
  Lane& lane = lanes_[route % lanes_.size()];
  lane.waiting.push_back(&call);
  if (!lane.running) {
    lane.running = true;
    group_.spawn(run_lane(lane));
  }
  co_await call.done.wait();
  co_return std::move(call.result);
}

std::vector<Deliverer::Pending*> Deliverer::take_batch(Lane& lane) {
  // A delivery may not meet itself in a batch.
  std::set<Uuid> ids;
  std::vector<Pending*> batch;
  size_t bytes = 0;
  auto at = lane.waiting.begin();
  while (at != lane.waiting.end() && batch.size() < kMaxCalls) {
    Pending* call = *at;
    if (!batch.empty() && bytes + call->prepared.bytes > kMaxBytes) break;
    if (!ids.insert(call->delivery.id.value).second) break;
    bytes += call->prepared.bytes;
    batch.push_back(call);
    at = lane.waiting.erase(at);
  }
  return batch;
}

Task<void> Deliverer::run_lane(Lane& lane) {
  // Whoever is ready to deliver in this turn of the loop comes along.
  co_await Reactor::current().yield();
  while (!lane.waiting.empty()) {
    std::vector<Pending*> batch = take_batch(lane);
    co_await run_batch(std::move(batch));
  }
  lane.running = false;
}

void Deliverer::finish(Pending& call, Result<DeliveryResult> result) {
  call.result = std::move(result);
  call.done.set();
}

Task<void> Deliverer::run_batch(std::vector<Pending*> batch) {
  ++stats_.batches;
  Deadline deadline = batch.front()->deadline;
  std::vector<const PreparedDelivery*> prepared;
  for (const Pending* call : batch) {
    deadline = deadline.earlier(call->deadline);
    prepared.push_back(&call->prepared);
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
    stats_.replayed += batch.size();
    for (Pending* call : batch) {
      call->unknown = !ran && outcome_unknown(ran.error());
      group_.spawn(run_alone(call));
    }
    co_return;
  }
  std::vector<DeliveryResult> results = deliver_results(*ran->results[0], prepared);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!results[i].targets.empty() && results[i].targets[0].outcome == Outcome::busy) {
      ++stats_.busy;
      group_.spawn(run_alone(batch[i]));
      continue;
    }
    ++(results[i].earlier ? stats_.earlier : stats_.delivered);
    finish(*batch[i], std::move(results[i]));
  }
}

Task<void> Deliverer::run_alone(Pending* call) {
  auto result = co_await try_alone(*call);
  finish(*call, std::move(result));
}

/// Waits for locks and asks again until the outcome is known or the deadline has passed.
Task<Result<DeliveryResult>> Deliverer::try_alone(Pending& call) {
  const Wake permit = co_await side_.acquire(call.deadline);
  if (permit != Wake::ready)
    co_return fail(call.unknown ? StoreErrc::unknown : StoreErrc::busy, "side lane is full",
                   Retry::temporary);
  struct Permit {
    Semaphore& semaphore;
    ~Permit() { semaphore.release(); }
  } held{side_};
  const PreparedDelivery* prepared[] = {&call.prepared};
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(
        call.deadline.is_never() ? microseconds(kLongestLockWait) : call.deadline.remaining());
    Result<db::BatchResult> ran =
        fail(StoreErrc::busy, "deadline passed while waiting for the store", Retry::temporary);
    if (left.count() > 0) {
      auto lease = co_await pool_.acquire(call.deadline);
      if (lease) {
        std::vector<db::Call> calls;
        db::Params timeout;
        timeout.add(std::to_string(std::min(left, kLongestLockWait).count()));
        calls.push_back({&kLockTimeout, std::move(timeout)});
        calls.push_back({&kDeliver, deliver_params(true, prepared)});
        // A little beyond the lock's own timeout, so that the server's answer is not missed.
        ran = co_await (*lease)->run(std::move(calls), call.deadline);
      } else {
        ran = Unexpected(std::move(lease).error());
      }
    }
    if (ran && ran->failed < 0) {
      std::vector<DeliveryResult> results = deliver_results(*ran->results[1], prepared);
      ++(results[0].earlier ? stats_.earlier : stats_.delivered);
      co_return std::move(results[0]);
    }
    const Error error =
        ran ? std::move(ran->results[static_cast<size_t>(ran->failed)]).error() : std::move(ran).error();
    if (!ran && outcome_unknown(error)) call.unknown = true;
    // A unique violation is an earlier try that committed between our look and our insert.
    const bool again = error.may_retry() || error.is(db::DbErrc::unique_violation);
    if (!again) co_return Unexpected(mapped(error));
    if (call.deadline.passed()) {
      if (call.unknown) {
        ++stats_.unknown;
        co_return fail(StoreErrc::unknown, "outcome not known: " + error.message(), Retry::temporary);
      }
      co_return fail(StoreErrc::busy, error.message(), Retry::temporary);
    }
    co_await sleep_for(kRetryPause);
  }
}

}  // namespace dromos::store
