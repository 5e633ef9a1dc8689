#include "mta/outbound/queue_runner.h"

#include <algorithm>
#include <list>
#include <map>

#include "common/async/task_group.h"
#include "common/log/log.h"
#include "mta/outbound/connections.h"
#include "mta/outbound/context.h"
#include "mta/outbound/local_delivery.h"
#include "mta/outbound/metrics.h"
#include "mta/outbound/remote_delivery.h"
#include "mta/outbound/results.h"
#include "mta/outbound/router.h"
#include "mta/outbound/scheduler.h"

namespace dromos::mta {
namespace {

constexpr int32_t kClaimAtOnce = 200;
/// Between two looks at the queue, whatever it says is due.
constexpr milliseconds kShortestWait{50};
constexpr milliseconds kClaimWait{10'000};
constexpr milliseconds kCountEvery{30'000};
constexpr milliseconds kSurplusWait{20'000};

Scheduler::Limits limits_of(const QueueRunnerOptions& options) {
  Scheduler::Limits limits;
  limits.total = options.concurrency;
  limits.per_destination = options.concurrency_per_domain;
  limits.leased = options.max_leased;
  limits.shared = std::max(options.concurrency_per_domain, options.concurrency / 2);
  return limits;
}

}  // namespace

class QueueRunner::Impl : public std::enable_shared_from_this<QueueRunner::Impl> {
 public:
  Impl(QueueRunnerOptions options, QueueRunnerParts parts)
      : context_(std::move(options), std::move(parts)),
        reactor_(Reactor::current()),
        scheduler_(limits_of(context_.options)),
        connections_(context_.options),
        router_(context_.parts.resolver, context_.options, context_.parts.own_addresses),
        remote_(context_, router_, connections_),
        local_(context_),
        results_(context_, [this](int64_t due_us) { due_again(due_us); }) {
    ended_.set();
  }

  Task<void> run(CancelToken token);
  Task<void> close();
  void wake_here() { wake_.set(); }
  Reactor& reactor() { return reactor_; }
  Stats stats() const { return {scheduler_.leased(), scheduler_.sending()}; }

 private:
  struct Active;

  /// The loop looks no later than that.
  void due_again(int64_t due_us) {
    if (due_us < look_at_us_) wake_.set();
  }
  Task<Result<bool>> claim();
  Task<Deadline> next_look(bool failed);
  void dispatch();
  Task<void> attempt(Group group);
  Task<void> settle_waiting(std::string destination, SendVerdict verdict);
  Task<void> release_surplus();
  Task<void> maintain(CancelToken token);
  Task<void> renew_all();
  Task<void> renew_some(Uuid token, std::vector<store::QueueKey> keys);
  Task<void> count_queue();
  void show_gauges();

  OutboundContext context_;
  Reactor& reactor_;
  Scheduler scheduler_;
  Connections connections_;
  Router router_;
  RemoteDelivery remote_;
  LocalDelivery local_;
  Results results_;
  std::list<const Group*> active_;
  int64_t look_at_us_ = 0;  ///< when run() will look again by itself
  bool starved_ = false;    ///< the last claim left something for want of room
  Event wake_;
  Event ended_;
  TaskGroup attempts_;
  TaskGroup background_;
};

/// One transaction from start to end: its leases are renewed, its place in the scheduler is given back.
struct QueueRunner::Impl::Active {
  Active(Impl& impl, const Group& group) : impl_(impl), group_(group) {
    at_ = impl.active_.insert(impl.active_.end(), &group);
  }
  ~Active() {
    impl_.active_.erase(at_);
    impl_.scheduler_.finished(group_, std::move(unsent));
    impl_.show_gauges();
    impl_.dispatch();
    if (impl_.starved_) impl_.wake_.set();
  }
  std::vector<LeasedItem> unsent;

 private:
  Impl& impl_;
  const Group& group_;
  std::list<const Group*>::iterator at_;
};

void QueueRunner::Impl::show_gauges() {
  outbound_metrics::leased().set(static_cast<int64_t>(scheduler_.leased()));
  outbound_metrics::sending().set(static_cast<int64_t>(scheduler_.sending()));
}

/// True if there may be more.
Task<Result<bool>> QueueRunner::Impl::claim() {
  const auto limit = static_cast<int32_t>(std::min<size_t>(scheduler_.room(), kClaimAtOnce));
  starved_ = limit == 0;
  if (starved_) co_return false;
  const Uuid token = Uuid::v7();
  std::vector<std::string> transports{"smtp", "local", "relay", "lmtp"};
  CO_TRY(std::vector<store::QueueItem> items,
         co_await context_.queue.claim(token, std::move(transports), limit, context_.options.lease,
                                       Deadline::after(kClaimWait)));
  const bool more = items.size() == static_cast<size_t>(limit);
  std::vector<LeasedItem> leased;
  for (store::QueueItem& item : items) {
    item.transport = transport_of(context_.options, item.transport, item.domain);
    leased.push_back({std::move(item), token});
  }
  scheduler_.add(std::move(leased));
  starved_ = more && scheduler_.room() == 0;
  show_gauges();
  co_return more;
}

/// When to look again unless woken: the poll interval, or when something will be due.
Task<Deadline> QueueRunner::Impl::next_look(bool failed) {
  milliseconds wait = context_.options.poll;
  if (!failed && scheduler_.room() > 0) {
    const auto due = co_await context_.queue.next_due_us(Deadline::after(kClaimWait));
    if (due && *due) {
      const milliseconds until{(**due - Clock::now_us()) / 1000 + 1};
      wait = std::clamp(until, kShortestWait, std::max(wait, kShortestWait));
    }
  }
  look_at_us_ = Clock::now_us() + microseconds(wait).count();
  co_return Deadline::after(wait);
}

Task<void> QueueRunner::Impl::run(CancelToken token) {
  auto self = shared_from_this();
  ended_.reset();
  background_.spawn(maintain(background_.token()));
  while (!context_.closing && !token.cancelled()) {
    wake_.reset();
    look_at_us_ = INT64_MAX;  // whatever becomes due from here on may be missed by this round
    const auto more = co_await claim();
    if (!more) {
      static log::RateLimit limit(1, seconds(10));
      uint64_t skipped = 0;
      if (limit.allow(skipped))
        log::warn("queue.claim_failed", {{"err", more.error()}, {"skipped", skipped}});
    }
    dispatch();
    co_await release_surplus();
    if (more && *more) continue;
    const Deadline deadline = co_await next_look(!more);
    if (context_.closing) break;
    co_await wake_.wait(deadline, token);
  }
  ended_.set();
}

void QueueRunner::Impl::dispatch() {
  if (context_.closing) return;
  while (auto group = scheduler_.next()) attempts_.spawn(attempt(std::move(*group)));
  show_gauges();
}

Task<void> QueueRunner::Impl::attempt(Group group) {
  auto self = shared_from_this();
  Active active(*this, group);
  const auto started = std::chrono::steady_clock::now();
  const bool local = group.first().transport == "local";
  Attempt done;
  if (local)
    done = co_await local_.deliver(group);
  else
    done = co_await remote_.deliver(group);
  const auto took = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - started);
  if (!local) outbound_metrics::attempt_seconds().observe(static_cast<double>(took.count()) / 1e6);
  const bool unreachable = done.unreachable && !context_.closing;
  const SendVerdict verdict = done.verdicts.back();
  active.unsent = co_await results_.settle(group, std::move(done), took);
  if (unreachable && active.unsent.empty()) co_await settle_waiting(group.destination, verdict);
}

/// Nobody answers at this destination: what waits for it gets the same verdict, without a try of its own.
Task<void> QueueRunner::Impl::settle_waiting(std::string destination, SendVerdict verdict) {
  std::map<std::pair<Uuid, Uuid>, Group> groups;
  for (LeasedItem& item : scheduler_.take_waiting(destination)) {
    Group& group = groups[{item.token, item.item.id.value}];
    group.destination = destination;
    group.items.push_back(std::move(item));
  }
  for (auto& [key, group] : groups) {
    Attempt attempt;
    attempt.verdicts.assign(group.items.size(), verdict);
    const auto unsent = co_await results_.settle(group, std::move(attempt), microseconds(0));
    static_cast<void>(unsent);  // a deferred verdict leaves none
  }
}

Task<void> QueueRunner::Impl::release_surplus() {
  auto surplus = scheduler_.take_surplus(std::max<size_t>(1, context_.options.max_leased / 2));
  if (surplus.empty()) co_return;
  log::info("queue.surplus", {{"recipients", surplus.size()}});
  co_await results_.release(std::move(surplus), kSurplusWait, "waiting behind other mail for this domain");
}

Task<void> QueueRunner::Impl::renew_some(Uuid token, std::vector<store::QueueKey> keys) {
  auto held = co_await context_.queue.renew(token, keys, context_.options.lease, Deadline::after(kClaimWait));
  if (!held || *held || keys.empty()) co_return;  // an error: the next round, or the renewal before the dot
  if (keys.size() == 1) {
    scheduler_.drop(token, keys.front());  // if it is being sent, its transaction finds out by itself
    co_return;
  }
  for (const store::QueueKey& key : keys) {
    std::vector<store::QueueKey> single{key};
    co_await renew_some(token, std::move(single));
  }
}

Task<void> QueueRunner::Impl::renew_all() {
  std::map<Uuid, std::vector<store::QueueKey>> by_token;
  for (const LeasedItem& item : scheduler_.waiting()) by_token[item.token].push_back(item.key());
  for (const Group* group : active_)
    for (const LeasedItem& item : group->items) by_token[item.token].push_back(item.key());
  for (auto& [token, keys] : by_token) co_await renew_some(token, std::move(keys));
}

Task<void> QueueRunner::Impl::count_queue() {
  const auto counts = co_await context_.queue.stats(Deadline::after(kClaimWait));
  if (!counts) co_return;
  std::map<std::string, int64_t> by_transport{{"smtp", 0}, {"local", 0}, {"relay", 0}, {"lmtp", 0}};
  for (const store::QueueStat& one : *counts) by_transport[one.transport] += one.recipients;
  for (const auto& [transport, recipients] : by_transport)
    outbound_metrics::queue_length(transport).set(recipients);
}

Task<void> QueueRunner::Impl::maintain(CancelToken token) {
  const milliseconds renew_every = context_.options.lease / 3;
  Deadline renew_at = Deadline::after(renew_every);
  Deadline count_at = Deadline::after(milliseconds(0));
  const milliseconds tick = std::min<milliseconds>(seconds(1), renew_every);
  while (!token.cancelled()) {
    co_await connections_.trim(false);
    if (renew_at.passed()) {
      co_await renew_all();
      renew_at = Deadline::after(renew_every);
    }
    if (count_at.passed()) {
      co_await count_queue();
      count_at = Deadline::after(kCountEvery);
    }
    co_await sleep_for(tick, token);
  }
}

Task<void> QueueRunner::Impl::close() {
  context_.closing = true;
  wake_.set();
  // Whoever has no connection yet has sent nothing: no reason to wait for it.
  context_.parts.resolver.interrupt();
  connections_.stop_opening();
  co_await ended_.wait();
  co_await attempts_.join(Deadline::after(context_.options.close_grace));
  if (attempts_.running() > 0) {
    log::info("queue.break", {{"transactions", scheduler_.sending()}});
    connections_.break_all();
    results_.stop();
    co_await attempts_.join();
  }
  results_.stop();
  co_await results_.release(scheduler_.take_all_waiting(), milliseconds(0), "put back at shutdown");
  co_await connections_.trim(true);
  co_await attempts_.close();
  co_await background_.close();
}

QueueRunner::QueueRunner(QueueRunnerOptions options, QueueRunnerParts parts)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(parts))) {}

QueueRunner::~QueueRunner() = default;

Task<void> QueueRunner::run(CancelToken token) {
  return impl_->run(token);
}

void QueueRunner::wake() {
  impl_->reactor().post([weak = std::weak_ptr<Impl>(impl_)] {
    if (const auto impl = weak.lock()) impl->wake_here();
  });
}

Task<void> QueueRunner::close() {
  return impl_->close();
}

QueueRunner::Stats QueueRunner::stats() const {
  return impl_->stats();
}

}  // namespace dromos::mta
