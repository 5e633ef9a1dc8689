// Dates of header fields (RFC 5322 §3.3 and §4.3): obsolete zones, two-digit years, comments, missing day
// names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dromos::mime {

struct Date {
  int64_t epoch = 0;           ///< seconds since 1970 UTC
  int32_t offset_minutes = 0;  ///< local time - UTC
  bool zone_known = true;      ///< false for "-0000" and unknown zone names
  bool operator==(const Date&) const = default;
};

std::optional<Date> parse_date(std::string_view value);
/// "Sun, 22 Nov 2026 03:04:05 +0000"
std::string format_date(int64_t epoch, int offset_minutes = 0);
/// RFC 3339 with the original offset, as JMAP's sentAt: "2026-11-22T04:04:05+01:00".
std::string format_rfc3339(const Date& date);

}  // namespace dromos::mime
