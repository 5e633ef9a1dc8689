// Scheduler: which leased recipients go out together, and when. Pure decisions: no sockets, no disk, no
// clock.
//
// A destination is transport and domain; transports local, relay and lmtp are one place each. Recipients of
// one message, one lease and one destination make one transaction of at most kMaxRecipients. Destinations
// take turns, so that a large one cannot starve the others; each has at most `per_destination` transactions
// out, all together `total`.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/store/queue.h"

namespace dromos::mta {

struct LeasedItem {
  store::QueueItem item;
  Uuid token;  ///< of its lease; every claim has its own
  store::QueueKey key() const { return {item.id, item.recipient_no}; }
};

/// Recipients of one transaction; never empty.
struct Group {
  std::string destination;
  std::vector<LeasedItem> items;
  const store::QueueItem& first() const { return items.front().item; }
  Uuid token() const { return items.front().token; }
  std::vector<store::QueueKey> keys() const;
};

class Scheduler {
 public:
  /// RFC 5321 §4.5.3.1.8: every server takes 100.
  static constexpr size_t kMaxRecipients = 100;

  struct Limits {
    size_t total = 50;
    size_t per_destination = 5;
    size_t local = 2;    ///< transactions of transport local: each holds a message in memory
    size_t shared = 20;  ///< transactions of transports relay and lmtp
    size_t leased = 1000;
    size_t recipients = kMaxRecipients;
  };
  explicit Scheduler(Limits limits) : limits_(limits) {}

  /// Recipients that may still be claimed.
  size_t room() const { return leased_ < limits_.leased ? limits_.leased - leased_ : 0; }
  size_t leased() const { return leased_; }
  size_t sending() const { return sending_; }

  void add(std::vector<LeasedItem> items);
  /// The next transaction to start, or nothing while all are at their limits. Counts it as out until
  /// finished().
  std::optional<Group> next();
  /// The transaction is over; `unsent` of its recipients wait again, the others are no longer leased.
  void finished(const Group& group, std::vector<LeasedItem> unsent = {});
  /// Takes what waits for a destination out: it cannot be reached now. Not leased here any more.
  std::vector<LeasedItem> take_waiting(const std::string& destination);
  /// Takes out what waits for a destination beyond `keep`, the last claimed first: a large backlog for one
  /// slow host must not fill all room. Not of the relay: behind it is nobody to make room for.
  std::vector<LeasedItem> take_surplus(size_t keep);
  /// Everything that waits, for the end.
  std::vector<LeasedItem> take_all_waiting();
  /// Waiting recipients with their leases, to renew them.
  std::vector<LeasedItem> waiting() const;
  /// A waiting recipient's lease is lost; false if it does not wait.
  bool drop(const Uuid& token, const store::QueueKey& key);

  static std::string destination_of(const store::QueueItem& item);

 private:
  struct Destination {
    std::deque<LeasedItem> waiting;
    size_t out = 0;
  };
  Group take_group(const std::string& name, Destination& destination);
  void forget_if_idle(const std::string& name);

  Limits limits_;
  std::map<std::string, Destination> destinations_;
  std::string last_;  ///< destination served last: the next turn is the one after it
  size_t leased_ = 0;
  size_t sending_ = 0;
};

}  // namespace dromos::mta
