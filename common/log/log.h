// Structured log: one event a line, logfmt or JSON, to stderr by a single write(2).
//
//   log::info("session.start", {{"remote", address}, {"conn", id}});
//
// Events are `noun.verb`; the shared keys are ts level daemon event trace conn account remote err code ms
// (docs/operations/logs.md lists events). Keys are string_view constants; values borrow and must live until
// the call returns. Bytes from outside are escaped, so that a line can neither be broken nor forged; long
// values are cut at kMaxValue. Thread-safe, takes no lock; waits only where stderr itself does (a full pipe
// in blocking mode), and a line that stderr refuses is dropped and counted. Secrets are passed as
// log::Secret, or better not at all.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/ids.h"

namespace dromos::log {

enum class Level : uint8_t { debug, info, warn, error, off };
enum class Format : uint8_t { logfmt, json };

/// Values longer than this are cut and end in "...".
inline constexpr size_t kMaxValue = 1024;
/// Fields after this many are dropped from a line.
inline constexpr size_t kMaxFields = 48;

/// A value that must not be read in a log: printed as "[redacted]", whatever it holds.
class Secret {
 public:
  explicit Secret(std::string_view) {}
};

/// A cheap, borrowing value of a field.
class Value {
 public:
  enum class Kind : uint8_t { signed_int, unsigned_int, real, boolean, text, secret, uuid, error };

  template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool> && !std::is_same_v<Int, char>)
  Value(Int number) : kind_(std::is_signed_v<Int> ? Kind::signed_int : Kind::unsigned_int) {
    if constexpr (std::is_signed_v<Int>) {
      signed_ = number;
    } else {
      unsigned_ = number;
    }
  }
  Value(bool truth) : kind_(Kind::boolean), boolean_(truth) {}
  Value(double real) : kind_(Kind::real), real_(real) {}
  Value(std::string_view text) : kind_(Kind::text), text_(text) {}
  Value(const std::string& text) : kind_(Kind::text), text_(text) {}
  Value(const char* text) : kind_(Kind::text), text_(text == nullptr ? std::string_view() : text) {}
  Value(Secret) : kind_(Kind::secret), text_() {}
  Value(const Uuid& id) : kind_(Kind::uuid), uuid_(&id) {}
  Value(const Error& error) : kind_(Kind::error), error_(&error) {}
  template <class Tag>
  Value(const UuidId<Tag>& id) : kind_(Kind::uuid), uuid_(&id.value) {}
  template <class Tag>
  Value(IntId<Tag> id) : kind_(Kind::signed_int), signed_(id.value) {}
  /// Milliseconds with three decimals: for the key "ms".
  template <class Rep, class Period>
  Value(std::chrono::duration<Rep, Period> time)
      : kind_(Kind::real), real_(std::chrono::duration<double, std::milli>(time).count()) {}

  Kind kind() const { return kind_; }
  /// Appends the value without quotes or escapes.
  void render(std::string& out) const;

 private:
  Kind kind_;
  union {
    int64_t signed_;
    uint64_t unsigned_;
    double real_;
    bool boolean_;
    std::string_view text_;
    const Uuid* uuid_;
    const Error* error_;
  };
};

struct Field {
  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

struct Options {
  std::string daemon;  ///< "mta", "imapd", ...
  Level level = Level::info;
  Format format = Format::logfmt;
  /// Prefix "<N>" per line: systemd's journal reads the priority there. stderr_is_journal() tells.
  bool journal = false;
  int fd = 2;
};

/// Call before threads start; level alone may change later with set_level().
void configure(Options options);
/// True if stderr is the journal (JOURNAL_STREAM names its device and inode; systemd.exec(5)).
bool stderr_is_journal();
void set_level(Level level);
/// Lines lost to a full or broken stderr since start.
uint64_t dropped_lines();

namespace internal {
extern std::atomic<Level> threshold;
}
inline bool enabled(Level level) {
  return level >= internal::threshold.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
  if (enabled(Level::info)) write(Level::info, event, fields);
}
inline void warn(std::string_view event, Fields fields = {}) {
  if (enabled(Level::warn)) write(Level::warn, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  if (enabled(Level::error)) write(Level::error, event, fields);
}

/// The fields every line of a session carries (trace, conn, account, remote). Owns copies; one thread.
class Context {
 public:
  /// Sets or replaces; at most kMaxFields keys.
  void set(std::string_view key, const Value& value);
  void clear(std::string_view key);

  void debug(std::string_view event, Fields fields = {}) const { at(Level::debug, event, fields); }
  void info(std::string_view event, Fields fields = {}) const { at(Level::info, event, fields); }
  void warn(std::string_view event, Fields fields = {}) const { at(Level::warn, event, fields); }
  void error(std::string_view event, Fields fields = {}) const { at(Level::error, event, fields); }

 private:
  void at(Level level, std::string_view event, Fields fields) const;
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Lets `burst` events through per `period`, then counts. Thread-safe; one static object per event:
///   static log::RateLimit limit(10, seconds(1));
///   if (uint64_t skipped; limit.allow(skipped)) log::warn("dns.fail", {{"skipped", skipped}});
class RateLimit {
 public:
  RateLimit(uint32_t burst, std::chrono::milliseconds period) : burst_(burst), period_(period) {}
  /// `skipped` gets the number of events refused since the last one allowed.
  bool allow(uint64_t& skipped) { return allow(skipped, std::chrono::steady_clock::now()); }
  bool allow(uint64_t& skipped, std::chrono::steady_clock::time_point now);

 private:
  const uint32_t burst_;
  const std::chrono::milliseconds period_;
  std::atomic<int64_t> window_start_ms_{INT64_MIN};
  std::atomic<uint32_t> used_{0};
  std::atomic<uint64_t> skipped_{0};
};

/// One line as configure()'s options would write it; for tests and for tools.
std::string format_line(const Options& options, Level level, int64_t now_us, std::string_view event,
                        const std::vector<std::pair<std::string, std::string>>& context, Fields fields);

/// "debug" "info" "warn" "error" "off".
std::string_view to_string(Level level);

}  // namespace dromos::log
