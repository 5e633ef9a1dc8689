// The line writer. logfmt: key=value, a value quoted when it holds anything but plain printable ASCII.
// JSON: one object a line. In both, control bytes, DEL and bytes that are not UTF-8 are escaped.
#include "common/log/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "common/base/clock.h"
#include "common/base/strings.h"
#include "common/base/utf8.h"

namespace dromos::log {

namespace internal {
std::atomic<Level> threshold{Level::info};
}

namespace {

Options& options() {
  static Options* instance = new Options();  // never destroyed: late threads may still log
  return *instance;
}

std::atomic<uint64_t> dropped{0};

constexpr std::string_view kHex = "0123456789abcdef";
constexpr size_t kMaxEvent = 64;

template <class Number, class... Args>
void append_number(std::string& out, Number number, Args... args) {
  char buffer[64];
  const auto [end, ec] = std::to_chars(buffer, buffer + sizeof(buffer), number, args...);
  if (ec == std::errc{}) out.append(buffer, end);
}

/// C1 controls and U+2028/2029 also move a terminal's cursor or end a line for some readers.
bool is_hidden_control(std::string_view sequence) {
  if (sequence.size() == 2) return sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  return sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9";
}

void append_escaped_byte(std::string& out, unsigned char byte, Format format) {
  out += format == Format::json ? "\\u00" : "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

void append_escaped(std::string& out, std::string_view text, Format format) {
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c >= 0x20 && c < 0x7F) {
      out += c;
    } else {
      const size_t length = utf8_length(text, i);
      if (length > 1 && !is_hidden_control(text.substr(i, length))) {
        out += text.substr(i, length);
        i += length;
        continue;
      }
      append_escaped_byte(out, static_cast<unsigned char>(c), format);
    }
    ++i;
  }
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
}

std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  size_t end = limit;
  while (end > limit - 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

/// Numbers and booleans go bare into JSON; NaN and infinity have no JSON form.
bool is_bare_json(Value::Kind kind, std::string_view text) {
  if (kind == Value::Kind::real) return text.find_first_not_of("0123456789.-+e") == std::string_view::npos;
  return kind == Value::Kind::signed_int || kind == Value::Kind::unsigned_int || kind == Value::Kind::boolean;
}

void append_field(std::string& out, Format format, std::string_view key, std::string_view text, bool bare) {
  const std::string_view kept = cut(text, kMaxValue);
  const bool was_cut = kept.size() != text.size();
  if (format == Format::json) {
    out += ",\"";
    append_escaped(out, key, format);
    out += "\":";
    if (bare) {
      out += kept;
      return;
    }
  } else {
    out += ' ';
    out += key;  // keys are constants of this program
    out += '=';
    if (!was_cut && is_plain(kept)) {
      out += kept;
      return;
    }
  }
  out += '"';
  append_escaped(out, kept, format);
  if (was_cut) out += "...";
  out += '"';
}

int journal_priority(Level level) {
  switch (level) {
    case Level::debug:
      return 7;
    case Level::info:
      return 6;
    case Level::warn:
      return 4;
    case Level::error:
    case Level::off:
      break;
  }
  return 3;
}

/// A line is one write; a pipe takes up to PIPE_BUF (4096) of it whole, longer ones may interleave.
void emit(std::string_view line) {
  const int saved = errno;
  ssize_t done;
  do {
    done = ::write(options().fd, line.data(), line.size());
  } while (done < 0 && errno == EINTR);
  if (done != static_cast<ssize_t>(line.size())) dropped.fetch_add(1, std::memory_order_relaxed);
  errno = saved;
}

}  // namespace

std::string_view to_string(Level level) {
  constexpr std::string_view kNames[] = {"debug", "info", "warn", "error", "off"};
  return kNames[static_cast<size_t>(level)];
}

void Value::render(std::string& out) const {
  switch (kind_) {
    case Kind::signed_int:
      append_number(out, signed_);
      break;
    case Kind::unsigned_int:
      append_number(out, unsigned_);
      break;
    case Kind::real:
      if (std::isfinite(real_) && std::fabs(real_) < 1e15) {
        append_number(out, real_, std::chars_format::fixed, 3);
      } else {
        append_number(out, real_);
      }
      break;
    case Kind::boolean:
      out += boolean_ ? "true" : "false";
      break;
    case Kind::text:
      out += text_;
      break;
    case Kind::secret:
      out += "[redacted]";
      break;
    case Kind::uuid:
      out += uuid_->to_string();
      break;
    case Kind::error:
      out += error_->to_string();
      break;
  }
}

void configure(Options wanted) {
  internal::threshold.store(wanted.level, std::memory_order_relaxed);
  options() = std::move(wanted);
}

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info{};
  if (stream == nullptr || ::fstat(2, &info) != 0) return false;
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) == stream;
}

void set_level(Level level) {
  internal::threshold.store(level, std::memory_order_relaxed);
}

uint64_t dropped_lines() {
  return dropped.load(std::memory_order_relaxed);
}

std::string format_line(const Options& how, Level level, int64_t now_us, std::string_view event,
                        const std::vector<std::pair<std::string, std::string>>& context, Fields fields) {
  std::string out;
  out.reserve(256);
  if (how.journal) {
    out += '<';
    append_number(out, journal_priority(level));
    out += '>';
  }
  const std::string ts = to_rfc3339(now_us);
  if (how.format == Format::json) {
    out += "{\"ts\":\"" + ts + '"';
  } else {
    out += "ts=" + ts;
  }
  append_field(out, how.format, "level", to_string(level), false);
  if (!how.daemon.empty()) append_field(out, how.format, "daemon", how.daemon, false);
  append_field(out, how.format, "event", event.substr(0, kMaxEvent), false);
  for (const auto& [key, value] : context) append_field(out, how.format, key, value, false);
  std::string text;
  size_t count = 0;
  for (const Field& field : fields) {
    if (++count > kMaxFields) break;
    text.clear();
    field.value.render(text);
    append_field(out, how.format, field.key, text, is_bare_json(field.value.kind(), text));
  }
  out += how.format == Format::json ? "}\n" : "\n";
  return out;
}

void write(Level level, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  emit(format_line(options(), level, Clock::now_us(), event, {}, fields));
}

void Context::set(std::string_view key, const Value& value) {
  std::string text;
  value.render(text);
  for (auto& [known, old] : fields_) {
    if (known == key) {
      old = std::move(text);
      return;
    }
  }
  if (fields_.size() < kMaxFields) fields_.emplace_back(std::string(key), std::move(text));
}

void Context::clear(std::string_view key) {
  std::erase_if(fields_, [&](const auto& field) { return field.first == key; });
}

void Context::at(Level level, std::string_view event, Fields fields) const {
  if (!enabled(level)) return;
  emit(format_line(options(), level, Clock::now_us(), event, fields_, fields));
}

bool RateLimit::allow(uint64_t& skipped, std::chrono::steady_clock::time_point now) {
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  int64_t start = window_start_ms_.load(std::memory_order_relaxed);
  if (start == INT64_MIN || now_ms - start >= period_.count()) {
    // Whoever moves the window opens it; losers count in the new one.
    if (window_start_ms_.compare_exchange_strong(start, now_ms, std::memory_order_relaxed)) {
      used_.store(0, std::memory_order_relaxed);
    }
  }
  if (used_.fetch_add(1, std::memory_order_relaxed) >= burst_) {
    skipped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  skipped = skipped_.exchange(0, std::memory_order_relaxed);
  return true;
}

}  // namespace dromos::log
