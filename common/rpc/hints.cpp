#include "common/rpc/hints.h"

#include <algorithm>

#include "common/async/waiter.h"
#include "common/log/log.h"
#include "dromos/events/v1/events.pb.h"

namespace dromos::rpc {
namespace {
/// Between two messages to a subscriber: under load a message then carries many hints.
constexpr milliseconds kGather{5};
constexpr char kSubscribe[] = "/dromos.events.v1.Events/Subscribe";
namespace pb = dromos::events::v1;
}  // namespace

struct HintPublisher::Queue {
  std::unordered_map<AccountId, int64_t> accounts;
  int64_t epoch = 0;
  Event filled;
};

HintPublisher::HintPublisher(Server& server) : reactor_(Reactor::current()) {
  server.add_stream(kSubscribe, {"imapd", "jmapd", "mta", "admind", "spamd"},
                    [this](CallInfo info, std::string, StreamSink sink) {
                      return serve(std::move(info), std::move(sink));
                    });
}

HintPublisher::~HintPublisher() = default;

Task<Result<void>> HintPublisher::serve(CallInfo info, StreamSink sink) {
  Queue queue;
  queues_.push_back(&queue);
  // An empty message says that the subscription stands: from here on nothing is missed.
  auto sent = co_await sink(pb::Hints().SerializeAsString());
  Deadline ready = Deadline::after(milliseconds(0));
  while (sent && !info.cancelled.cancelled()) {
    if (queue.accounts.empty() && queue.epoch == 0) {
      queue.filled.reset();
      const Wake wake = co_await queue.filled.wait(Deadline::never(), info.cancelled);
      if (wake == Wake::cancelled) break;
    }
    if (!ready.passed()) {
      const Wake wake = co_await Waiter(ready, info.cancelled);
      if (wake == Wake::cancelled) break;
    }
    ready = Deadline::after(kGather);
    pb::Hints message;
    for (const auto& [account, modseq] : queue.accounts) {
      auto* change = message.add_accounts();
      change->set_account_id(account.value);
      change->set_modseq(modseq);
    }
    message.set_config_epoch(queue.epoch);
    queue.accounts.clear();
    queue.epoch = 0;
    sent = co_await sink(message.SerializeAsString());
  }
  std::erase(queues_, &queue);
  co_return Result<void>{};
}

void HintPublisher::add(const std::vector<Hint>& hints, int64_t epoch) {
  for (Queue* queue : queues_) {
    for (const Hint& hint : hints) {
      int64_t& modseq = queue->accounts[hint.account];
      modseq = std::max(modseq, hint.modseq);
    }
    queue->epoch = std::max(queue->epoch, epoch);
    queue->filled.set();
  }
}

void HintPublisher::publish(std::vector<Hint> hints) {
  if (hints.empty()) return;
  if (Reactor::current_or_null() == &reactor_) return add(hints, 0);
  reactor_.post([this, hints = std::move(hints)] { add(hints, 0); });
}

void HintPublisher::publish_epoch(int64_t config_epoch) {
  if (Reactor::current_or_null() == &reactor_) return add({}, config_epoch);
  reactor_.post([this, config_epoch] { add({}, config_epoch); });
}

HintSubscriber::HintSubscriber(std::string self, Callbacks callbacks)
    : self_(std::move(self)), callbacks_(std::move(callbacks)) {}

void HintSubscriber::watch(std::string peer, Client::Options options) {
  group_.spawn(run(std::move(peer), std::make_unique<Client>(std::move(options))));
}

Task<void> HintSubscriber::run(std::string peer, std::unique_ptr<Client> client) {
  pb::SubscribeRequest request;
  request.set_subscriber(self_);
  const CancelToken token = group_.token();
  while (!token.cancelled()) {
    bool fresh = true;
    const auto on_message = [&](std::string bytes) {
      pb::Hints message;
      if (!message.ParseFromString(bytes)) return false;
      if (fresh && callbacks_.resync) callbacks_.resync(peer);
      fresh = false;
      std::vector<Hint> hints;
      for (const auto& change : message.accounts())
        hints.push_back({AccountId{change.account_id()}, change.modseq()});
      if (!hints.empty() && callbacks_.changed) callbacks_.changed(hints);
      if (message.config_epoch() != 0 && callbacks_.epoch) callbacks_.epoch(message.config_epoch());
      return true;
    };
    auto ended = co_await client->subscribe(kSubscribe, request.SerializeAsString(), on_message, token);
    if (token.cancelled()) break;
    if (!fresh) log::info("hints.lost", {{"peer", peer}});
    // Jitter, so that all subscribers of a restarted daemon do not come at once.
    co_await sleep_for(milliseconds(100 + static_cast<int>(Uuid::v7().bytes[15]) % 200), token);
  }
}

}  // namespace dromos::rpc
