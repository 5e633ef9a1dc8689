// INTERNALDATE date-times and the dates of SEARCH (RFC 9051 §9 date-time, date), on the proleptic Gregorian
// calendar. Parsers take the text without quotes and are strict about ranges, lenient about " 1" against
// "01".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dromos::imapd {

/// A moment and the zone it was written in.
struct DateTime {
  int64_t unix_seconds = 0;
  int16_t zone_minutes = 0;
  bool operator==(const DateTime&) const = default;
};

struct Date {
  int16_t year = 1970;
  uint8_t month = 1;  // 1-12
  uint8_t day = 1;    // 1-31
  auto operator<=>(const Date&) const = default;
  /// Days since 1970-01-01.
  int32_t days() const;
  static Date from_days(int32_t days);
};

inline constexpr size_t kDateTimeLength = 26;

/// "17-Jul-1996 02:44:25 -0700".
std::optional<DateTime> parse_date_time(std::string_view text);
/// Appends kDateTimeLength octets; years are clamped to 0000-9999, zones to a day.
void append_date_time(std::string& out, DateTime when);
/// "1-Feb-1994" or "01-Feb-1994".
std::optional<Date> parse_date(std::string_view text);
std::string format_date(Date date);

}  // namespace dromos::imapd
