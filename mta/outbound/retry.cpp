#include "mta/outbound/retry.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dromos::mta {

using nlohmann::json;

AttemptState decode_attempt_state(std::string_view text) {
  AttemptState state;
  const json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return state;
  const auto tries = value.find("tries");
  if (tries != value.end() && tries->is_number_integer())
    state.tries = static_cast<int32_t>(std::clamp<int64_t>(tries->get<int64_t>(), 0, 1'000'000));
  const auto warned = value.find("warned");
  state.warned = warned != value.end() && warned->is_boolean() && warned->get<bool>();
  return state;
}

std::string encode(const AttemptState& state) {
  json value{{"tries", state.tries}};
  if (state.warned) value["warned"] = true;
  return value.dump();
}

RetryDecision decide_retry(const RetryPolicy& policy, const AttemptState& state, int64_t now_us,
                           int64_t created_us, int64_t expires_us, double dice) {
  RetryDecision decision;
  if (now_us >= expires_us) {
    decision.action = RetryDecision::Action::expire;
    return decision;
  }
  const double min_us = static_cast<double>(policy.min.count()) * 1000;
  const double max_us = std::max(static_cast<double>(policy.max.count()) * 1000, min_us);
  const int doublings = std::clamp(state.tries - 1, 0, 40);
  const double wait = std::min(min_us * static_cast<double>(int64_t{1} << doublings), max_us);
  const auto jittered = static_cast<int64_t>(wait * (1.0 - 0.2 * std::clamp(dice, 0.0, 1.0)));
  decision.due_us = std::min(now_us + jittered, expires_us);
  decision.warn = !state.warned && now_us - created_us >= microseconds(policy.warn_after).count();
  return decision;
}

}  // namespace dromos::mta
