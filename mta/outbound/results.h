// Results: turns verdicts into what is written: done, retry, report, trace, log and metrics.
//
// Order (DESIGN: life of a message, 7): what was delivered is written at once, to keep the window for
// duplicates small; a report is delivered before its recipient's row goes, under an id that makes a
// repetition harmless; then the rest.
#pragma once

#include <functional>
#include <vector>

#include "common/async/sync.h"
#include "mta/outbound/dsn_sender.h"
#include "mta/outbound/remote_delivery.h"
#include "mta/outbound/retry.h"

namespace dromos::mta {

class Results {
 public:
  Results(OutboundContext& context, std::function<void(int64_t due_us)> on_retry)
      : context_(context), on_retry_(std::move(on_retry)), reports_(context) {}

  /// Writes the outcome of `group`; returns those not tried (Fate::again), still leased. `took` is the time
  /// of the attempt. `on_retry` hears when recipients will be due again.
  Task<std::vector<LeasedItem>> settle(Group group, Attempt attempt, microseconds took);
  /// Ends leases of recipients that were not tried: due again after `wait`.
  Task<void> release(std::vector<LeasedItem> items, milliseconds wait, std::string why);
  /// close() gave up waiting: results that cannot be written are left to their leases.
  void stop() { stop_.set(); }

 private:
  struct Plan;
  Plan plan(const Group& group, const Attempt& attempt) const;
  Task<void> write(Uuid token, std::vector<store::QueueResult> results, bool delivered);
  Task<bool> report(const Group& group, Plan& plan);
  Task<void> note(const Group& group, const Attempt& attempt, microseconds took);

  OutboundContext& context_;
  std::function<void(int64_t)> on_retry_;
  DsnSender reports_;
  Event stop_;
};

}  // namespace dromos::mta
