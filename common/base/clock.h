// Time: microseconds UTC for what is stored and shown, steady milliseconds for waits. Tests inject both.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace dromos {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Clock {
  /// Microseconds since 1970-01-01 UTC.
  static int64_t now_us();
  /// Test seam: freezes now_us(); 0 gives the real clock back. Thread-safe.
  static void set_for_test(int64_t us);
};

/// A point on the steady clock by which a wait must end.
class Deadline {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static Deadline never() { return Deadline(TimePoint::max()); }
  static Deadline after(milliseconds wait) { return Deadline(std::chrono::steady_clock::now() + wait); }
  static Deadline at(TimePoint when) { return Deadline(when); }
  bool is_never() const { return when_ == TimePoint::max(); }
  bool passed() const { return !is_never() && std::chrono::steady_clock::now() >= when_; }
  TimePoint when() const { return when_; }
  /// Zero when passed.
  microseconds remaining() const;
  Deadline earlier(Deadline other) const { return when_ < other.when_ ? *this : other; }

 private:
  explicit Deadline(TimePoint when) : when_(when) {}
  TimePoint when_;
};

/// "2026-11-22T03:04:05.000006Z" (RFC 3339, always UTC).
std::string to_rfc3339(int64_t us);

}  // namespace dromos
