#include "common/http/response_writer.h"

#include <charconv>
#include <cstdio>
#include <ctime>

#include "common/base/clock.h"
#include "common/base/strings.h"

namespace dromos::http {
namespace {

void append_number(std::string& out, uint64_t value, int base = 10) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, base).ptr;
  out.append(digits, end);
}

void field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

/// Framing is the writer's: a handler's own would contradict it.
bool is_framing(std::string_view name) {
  return iequals(name, "content-length") || iequals(name, "transfer-encoding") ||
         iequals(name, "connection") || iequals(name, "date");
}

}  // namespace

std::string_view http_date_now() {
  thread_local std::time_t last = -1;
  thread_local char text[32];
  const std::time_t now = Clock::now_us() / 1'000'000;
  if (now != last) {
    std::tm tm{};
    gmtime_r(&now, &tm);
    constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[tm.tm_wday % 7],
                  tm.tm_mday % 100, kMonths[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000, tm.tm_hour % 100,
                  tm.tm_min % 100, tm.tm_sec % 100);
    last = now;
  }
  return text;
}

void write_head(std::string& out, const Response& response, ResponseFrame& frame) {
  const int status = response.status;
  const bool never_a_body = status < 200 || status == 204 || status == 304;
  frame.send_body = !never_a_body && frame.method != Method::head;
  frame.chunked = false;
  if (!never_a_body && !frame.size) {
    if (frame.version_minor >= 1)
      frame.chunked = true;
    else if (frame.send_body)
      frame.keep_alive = false;
  }
  out += "HTTP/1.1 ";
  append_number(out, static_cast<uint64_t>(status));
  out += ' ';
  out += reason_phrase(status);
  out += "\r\n";
  field(out, "Date", http_date_now());
  for (size_t i = 0; i < response.headers.size(); ++i) {
    const auto [name, value] = response.headers.at(i);
    if (!is_framing(name)) field(out, name, value);
  }
  if (!never_a_body && frame.size) {
    out += "Content-Length: ";
    append_number(out, *frame.size);
    out += "\r\n";
  }
  if (frame.chunked) field(out, "Transfer-Encoding", "chunked");
  if (!frame.keep_alive)
    field(out, "Connection", "close");
  else if (frame.version_minor == 0)
    field(out, "Connection", "keep-alive");
  out += "\r\n";
}

void write_chunk_head(std::string& out, size_t size) {
  append_number(out, size, 16);
  out += "\r\n";
}

}  // namespace dromos::http
