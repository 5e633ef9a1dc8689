#include "jmapd/service/push_hub.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/async/waiter.h"
#include "common/http/problem.h"
#include "common/log/log.h"
#include "jmapd/protocol/values.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

constexpr milliseconds kPollInterval{30'000};
constexpr milliseconds kReadTime{10'000};

int64_t mailbox_state(const store::AccountStates& states) {
  return std::max(states.mailbox, states.email);
}

std::string event_id(const store::AccountStates& states) {
  return to_text(State{states.epoch, states.modseq});
}

/// Type to state, of those that differ and are wished for.
json differences(const store::AccountStates& told, const store::AccountStates& now,
                 const std::set<std::string>& types) {
  json out = json::object();
  const auto compare = [&](const char* type, int64_t before, int64_t after) {
    if (told.epoch == now.epoch && before == after) return;
    if (types.empty() || types.contains(type)) out[type] = to_text(State{now.epoch, after});
  };
  compare("Email", told.email, now.email);
  compare("Mailbox", mailbox_state(told), mailbox_state(now));
  compare("Thread", told.thread, now.thread);
  return out;
}

http::ServerEvent state_event(AccountId account, json changed, const store::AccountStates& now) {
  json data = {{"@type", "StateChange"}, {"changed", {{to_text(account), std::move(changed)}}}};
  return {"state", data.dump(), event_id(now)};
}

}  // namespace

PushHub::~PushHub() = default;

Task<http::Response> PushHub::subscribe(AccountId account, Wish wish) {
  sweep();
  auto held = services_.shared.event_sources.enter(account);
  if (!held) co_return http::problem(429, "too many event sources are open");
  const auto states = co_await services_.changes.states(account, Deadline::after(kReadTime));
  if (!states) co_return http::problem(503, "the store is not available at the moment");
  if (closed_) co_return http::problem(503, "shutting down");
  auto source = http::EventSource::create(seconds(wish.ping_seconds));
  if (wish.ping_seconds > 0)
    source->set_ping_event({"ping", json{{"interval", wish.ping_seconds}}.dump(), ""});
  http::Response response = source->response();
  // Who comes back with an older id may have missed something: all of it counts as changed.
  store::AccountStates told = *states;
  const bool behind = !wish.last_event_id.empty() && wish.last_event_id != event_id(*states);
  if (behind) told = store::AccountStates{-1, -1, -1, -1, -1};
  Watched& watched = accounts_[account];
  watched.streams.push_back(
      {std::move(source), std::move(wish), told, std::make_unique<PerAccount::Held>(std::move(*held))});
  if (behind) tell(account, watched, *states);
  co_return response;
}

void PushHub::tell(AccountId account, Watched& watched, const store::AccountStates& now) {
  for (Stream& stream : watched.streams) {
    if (stream.source->closed()) continue;
    json changed = differences(stream.told, now, stream.wish.types);
    stream.told = now;
    if (changed.empty()) continue;
    stream.source->publish(state_event(account, std::move(changed), now));
    if (stream.wish.close_after_state) stream.source->close();
  }
}

void PushHub::changed(const std::vector<AccountId>& accounts) {
  if (closed_) return;
  for (const AccountId account : accounts) {
    const auto at = accounts_.find(account);
    if (at == accounts_.end()) continue;
    at->second.again = true;
    if (at->second.checking) continue;
    at->second.checking = true;
    group_.spawn(check(account));
  }
}

void PushHub::check_all() {
  std::vector<AccountId> all;
  for (const auto& [account, watched] : accounts_) all.push_back(account);
  changed(all);
}

Task<void> PushHub::check(AccountId account) {
  while (true) {
    auto at = accounts_.find(account);
    if (at == accounts_.end()) co_return;
    if (!at->second.again || closed_) {
      at->second.checking = false;
      co_return;
    }
    at->second.again = false;
    const auto states = co_await services_.changes.states(account, Deadline::after(kReadTime));
    at = accounts_.find(account);  // the map may have changed meanwhile
    if (at == accounts_.end()) co_return;
    if (states) tell(account, at->second, *states);  // otherwise the poll tries again
  }
}

Task<void> PushHub::poll(CancelToken token) {
  while (!token.cancelled()) {
    co_await sleep_for(kPollInterval, token);
    if (token.cancelled()) co_return;
    sweep();
    std::vector<store::Change> known;
    for (const auto& [account, watched] : accounts_) {
      int64_t oldest = INT64_MAX;
      for (const Stream& stream : watched.streams) oldest = std::min(oldest, stream.told.modseq);
      known.push_back({account, oldest});
    }
    if (known.empty()) continue;
    const auto moved = co_await services_.changes.moved(std::move(known), Deadline::after(kReadTime));
    if (!moved) {
      log::warn("push.poll_failed", {{"err", moved.error()}});
      continue;
    }
    std::vector<AccountId> accounts;
    for (const store::Change& change : *moved) accounts.push_back(change.account);
    changed(accounts);
  }
}

void PushHub::sweep() {
  for (auto at = accounts_.begin(); at != accounts_.end();) {
    std::erase_if(at->second.streams, [](const Stream& stream) { return stream.source->closed(); });
    at = at->second.streams.empty() && !at->second.checking ? accounts_.erase(at) : std::next(at);
  }
}

Task<void> PushHub::close() {
  closed_ = true;
  for (auto& [account, watched] : accounts_)
    for (Stream& stream : watched.streams) stream.source->close();
  co_await group_.close();
  accounts_.clear();
}

}  // namespace dromos::jmapd
