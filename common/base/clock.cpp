#include "common/base/clock.h"

#include <atomic>
#include <cstdio>
#include <ctime>

namespace dromos {
namespace {
std::atomic<int64_t> frozen_us{0};
}

int64_t Clock::now_us() {
  if (const int64_t us = frozen_us.load(std::memory_order_relaxed)) return us;
  return std::chrono::duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

void Clock::set_for_test(int64_t us) {
  frozen_us.store(us);
}

microseconds Deadline::remaining() const {
  if (is_never()) return microseconds::max();
  const auto left = when_ - std::chrono::steady_clock::now();
  return left.count() <= 0 ? microseconds(0) : std::chrono::ceil<microseconds>(left);
}

std::string to_rfc3339(int64_t us) {
  const int64_t whole = us >= 0 ? us / 1000000 : (us - 999999) / 1000000;
  const auto seconds_since = static_cast<time_t>(whole);
  std::tm parts{};
  gmtime_r(&seconds_since, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(us - whole * 1000000));
  return text;
}

}  // namespace dromos
