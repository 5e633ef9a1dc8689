// When to try again, when to warn, when to give up. Pure: the clock and the dice are arguments.
//
// What must be remembered between attempts lies in the recipient's options (keys "tries", "warned"), because
// the store's own count also counts leases that ended without an attempt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mta/outbound/options.h"

namespace dromos::mta {

struct AttemptState {
  int32_t tries = 0;  ///< real attempts so far
  bool warned = false;
};
/// Unknown or broken JSON is a fresh state.
AttemptState decode_attempt_state(std::string_view options_json);
/// For QueueResult::options, which is merged.
std::string encode(const AttemptState& state);

struct RetryDecision {
  enum class Action { retry, expire } action = Action::retry;
  int64_t due_us = 0;
  bool warn = false;
};

/// After the deferred attempt number `state.tries` (1 is the first). `dice` in [0, 1).
/// Waits min * 2^(tries-1), at most max, shortened by up to a fifth at random; never past expiry, where one
/// last attempt is made. Expired: give up.
RetryDecision decide_retry(const RetryPolicy& policy, const AttemptState& state, int64_t now_us,
                           int64_t created_us, int64_t expires_us, double dice);

}  // namespace dromos::mta
