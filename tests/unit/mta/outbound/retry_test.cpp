#include "mta/outbound/retry.h"

#include <catch2/catch.hpp>

#include "mta/outbound/bounce.h"

namespace dromos::mta {
namespace {

using Action = RetryDecision::Action;
constexpr int64_t kMinute = 60'000'000;
constexpr int64_t kStart = 1'800'000'000'000'000;

RetryDecision decide(int32_t tries, int64_t age_us, double dice = 0.0, bool warned = false) {
  AttemptState state;
  state.tries = tries;
  state.warned = warned;
  return decide_retry(RetryPolicy{}, state, kStart + age_us, kStart, kStart + 120 * 60 * kMinute, dice);
}

TEST_CASE("Waits double from the least to the longest", "[unit][mta]") {
  const int64_t minutes[] = {5, 10, 20, 40, 80, 160, 240, 240};
  for (int32_t tries = 1; tries <= 8; ++tries)
    CHECK(decide(tries, 0).due_us - kStart == minutes[tries - 1] * kMinute);
  CHECK(decide(1'000'000, 0).due_us - kStart == 240 * kMinute);
  CHECK(decide(0, 0).due_us - kStart == 5 * kMinute);
}

TEST_CASE("Jitter shortens a wait by a fifth at most", "[unit][mta]") {
  CHECK(decide(1, 0, 0.5).due_us - kStart == static_cast<int64_t>(4.5 * kMinute));
  CHECK(decide(1, 0, 1.0).due_us - kStart == 4 * kMinute);
}

TEST_CASE("The last attempt is at expiry, after it is none", "[unit][mta]") {
  const int64_t life = 120 * 60 * kMinute;
  const auto late = decide(20, life - kMinute);
  CHECK(late.action == Action::retry);
  CHECK(late.due_us == kStart + life);
  CHECK(decide(20, life).action == Action::expire);
}

TEST_CASE("A delay is worth one warning", "[unit][mta]") {
  CHECK_FALSE(decide(3, 239 * kMinute).warn);
  CHECK(decide(3, 240 * kMinute).warn);
  CHECK_FALSE(decide(3, 240 * kMinute, 0.0, true).warn);
}

TEST_CASE("Attempt state survives its JSON and broken JSON is a fresh state", "[unit][mta]") {
  AttemptState state;
  state.tries = 7;
  state.warned = true;
  const auto back = decode_attempt_state(encode(state));
  CHECK(back.tries == 7);
  CHECK(back.warned);
  for (const char* text : {"", "[]", "{\"tries\":\"x\"}", "{\"tries\":-5}", "{\"tries\":1e99}", "{"})
    CHECK(decode_attempt_state(text).tries == 0);
}

TEST_CASE("NOTIFY says which reports are wanted", "[unit][mta]") {
  smtp::Notify notify;
  CHECK(wants_report(notify, smtp::DsnAction::failed));
  CHECK(wants_report(notify, smtp::DsnAction::delayed));
  CHECK_FALSE(wants_report(notify, smtp::DsnAction::relayed));
  notify.unspecified = false;
  notify.never = true;
  CHECK_FALSE(wants_report(notify, smtp::DsnAction::failed));
  notify.never = false;
  notify.success = true;
  CHECK_FALSE(wants_report(notify, smtp::DsnAction::failed));
  CHECK_FALSE(wants_report(notify, smtp::DsnAction::delayed));
  CHECK(wants_report(notify, smtp::DsnAction::delivered));
}

TEST_CASE("Derived ids are the same for the same step and others else", "[unit][mta]") {
  const QueueId queue = QueueId::make();
  const Uuid one = derived_id({queue, 1}, "local");
  CHECK(one == derived_id({queue, 1}, "local"));
  CHECK(one != derived_id({queue, 2}, "local"));
  CHECK(one != derived_id({queue, 1}, "other"));
  CHECK(one != derived_id({QueueId::make(), 1}, "local"));
  CHECK(one.unix_ms() == queue.value.unix_ms());
  CHECK((one.bytes[6] >> 4) == 7);
  ReportLine a, b;
  a.item.id = b.item.id = queue;
  a.item.recipient_no = 1;
  b.item.recipient_no = 2;
  CHECK(derived_id({a, b}, "report") == derived_id({b, a}, "report"));
  CHECK(derived_id({a, b}, "report") != derived_id({a}, "report"));
}

}  // namespace
}  // namespace dromos::mta
