#include "mta/outbound/scheduler.h"

#include <algorithm>
#include <iterator>

#include "common/base/assert.h"

namespace dromos::mta {
namespace {
constexpr const char* kLocal = "local";
constexpr const char* kRelay = "relay";
constexpr const char* kLmtp = "lmtp";
}  // namespace

std::vector<store::QueueKey> Group::keys() const {
  std::vector<store::QueueKey> list;
  for (const LeasedItem& item : items) list.push_back(item.key());
  return list;
}

std::string Scheduler::destination_of(const store::QueueItem& item) {
  // Fan-out to our own mailboxes has no host to be gentle with, but is one place all the same.
  // So is a relay, whatever the domains; recipients of several go there in one transaction.
  for (const char* one : {kLocal, kRelay, kLmtp})
    if (item.transport == one) return one;
  return item.transport + ":" + item.domain;
}

void Scheduler::add(std::vector<LeasedItem> items) {
  leased_ += items.size();
  for (LeasedItem& item : items) destinations_[destination_of(item.item)].waiting.push_back(std::move(item));
}

Group Scheduler::take_group(const std::string& name, Destination& destination) {
  Group group;
  group.destination = name;
  std::deque<LeasedItem> rest;
  for (LeasedItem& item : destination.waiting) {
    const bool fits =
        group.items.empty() || (group.items.size() < limits_.recipients && item.item.id == group.first().id &&
                                item.token == group.token());
    if (fits)
      group.items.push_back(std::move(item));
    else
      rest.push_back(std::move(item));
  }
  destination.waiting = std::move(rest);
  return group;
}

std::optional<Group> Scheduler::next() {
  if (sending_ >= limits_.total || destinations_.empty()) return std::nullopt;
  auto at = destinations_.upper_bound(last_);
  for (size_t turn = 0; turn < destinations_.size(); ++turn, ++at) {
    if (at == destinations_.end()) at = destinations_.begin();
    Destination& destination = at->second;
    const bool shared = at->first == kRelay || at->first == kLmtp;
    const size_t most = at->first == kLocal ? limits_.local
                        : shared            ? limits_.shared
                                            : limits_.per_destination;
    if (destination.waiting.empty() || destination.out >= most) continue;
    Group group = take_group(at->first, destination);
    ++destination.out;
    ++sending_;
    last_ = at->first;
    return group;
  }
  return std::nullopt;
}

void Scheduler::finished(const Group& group, std::vector<LeasedItem> unsent) {
  DROMOS_ASSERT(sending_ > 0 && unsent.size() <= group.items.size());
  Destination& destination = destinations_[group.destination];
  DROMOS_ASSERT(destination.out > 0);
  --destination.out;
  --sending_;
  leased_ -= group.items.size() - unsent.size();
  // In front: their message has been read and its connection is open.
  destination.waiting.insert(destination.waiting.begin(), std::make_move_iterator(unsent.begin()),
                             std::make_move_iterator(unsent.end()));
  forget_if_idle(group.destination);
}

std::vector<LeasedItem> Scheduler::take_waiting(const std::string& name) {
  std::vector<LeasedItem> list;
  const auto found = destinations_.find(name);
  if (found == destinations_.end()) return list;
  std::move(found->second.waiting.begin(), found->second.waiting.end(), std::back_inserter(list));
  found->second.waiting.clear();
  leased_ -= list.size();
  forget_if_idle(name);
  return list;
}

std::vector<LeasedItem> Scheduler::take_surplus(size_t keep) {
  std::vector<LeasedItem> list;
  for (auto& [name, destination] : destinations_)
    while (destination.waiting.size() > keep && name != kRelay) {
      list.push_back(std::move(destination.waiting.back()));
      destination.waiting.pop_back();
      --leased_;
    }
  return list;
}

std::vector<LeasedItem> Scheduler::take_all_waiting() {
  std::vector<std::string> names;
  for (const auto& [name, destination] : destinations_) names.push_back(name);
  std::vector<LeasedItem> list;
  for (const std::string& name : names) {
    auto some = take_waiting(name);
    std::move(some.begin(), some.end(), std::back_inserter(list));
  }
  return list;
}

std::vector<LeasedItem> Scheduler::waiting() const {
  std::vector<LeasedItem> list;
  for (const auto& [name, destination] : destinations_)
    list.insert(list.end(), destination.waiting.begin(), destination.waiting.end());
  return list;
}

bool Scheduler::drop(const Uuid& token, const store::QueueKey& key) {
  for (auto& [name, destination] : destinations_) {
    auto& waiting = destination.waiting;
    const auto found = std::find_if(waiting.begin(), waiting.end(), [&](const LeasedItem& item) {
      return item.token == token && item.item.id == key.id && item.item.recipient_no == key.recipient_no;
    });
    if (found == waiting.end()) continue;
    waiting.erase(found);
    --leased_;
    forget_if_idle(std::string(name));
    return true;
  }
  return false;
}

void Scheduler::forget_if_idle(const std::string& name) {
  const auto found = destinations_.find(name);
  if (found != destinations_.end() && found->second.waiting.empty() && found->second.out == 0)
    destinations_.erase(found);
}

}  // namespace dromos::mta
