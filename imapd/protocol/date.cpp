#include "imapd/protocol/date.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"

namespace dromos::imapd {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int days_in_month(int year, int month) {
  constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<size_t>(month - 1)];
}

// Both ways between the civil calendar and days since 1970, counting years from March so that the leap day is
// last.
int64_t days_from_civil(int64_t year, int month, int day) {
  if (month <= 2) --year;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

struct Civil {
  int64_t year;
  int month;
  int day;
};

Civil civil_from_days(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

int two_digits(std::string_view text) {
  return is_digit(text[0]) && is_digit(text[1]) ? (text[0] - '0') * 10 + (text[1] - '0') : -1;
}

int month_number(std::string_view text) {
  for (size_t i = 0; i < kMonths.size(); ++i)
    if (iequals(kMonths[i], text)) return static_cast<int>(i) + 1;
  return 0;
}

/// "-Jul-1996".
bool parse_month_year(std::string_view text, int day, Date& date) {
  if (text.size() != 9 || text[0] != '-' || text[4] != '-') return false;
  const int month = month_number(text.substr(1, 3));
  const int century = two_digits(text.substr(5));
  const int years = two_digits(text.substr(7));
  if (month == 0 || century < 0 || years < 0) return false;
  const int year = century * 100 + years;
  if (day < 1 || day > days_in_month(year, month)) return false;
  date = {static_cast<int16_t>(year), static_cast<uint8_t>(month), static_cast<uint8_t>(day)};
  return true;
}

char* put_two(char* at, int value) {
  *at++ = static_cast<char>('0' + value / 10);
  *at++ = static_cast<char>('0' + value % 10);
  return at;
}

}  // namespace

int32_t Date::days() const {
  return static_cast<int32_t>(days_from_civil(year, month, day));
}

Date Date::from_days(int32_t days) {
  const Civil civil = civil_from_days(days);
  return {static_cast<int16_t>(civil.year), static_cast<uint8_t>(civil.month),
          static_cast<uint8_t>(civil.day)};
}

std::optional<DateTime> parse_date_time(std::string_view text) {
  // " 7-Jul-1996 02:44:25 -0700"; a one-digit day without its blank is seen in the wild.
  std::string padded;
  if (text.size() == kDateTimeLength - 1) {
    padded = " " + std::string(text);
    text = padded;
  }
  if (text.size() != kDateTimeLength || text[11] != ' ' || text[14] != ':' || text[17] != ':' ||
      text[20] != ' ')
    return std::nullopt;
  const int day = text[0] == ' ' && is_digit(text[1]) ? text[1] - '0' : two_digits(text);
  Date date;
  if (!parse_month_year(text.substr(2, 9), day, date)) return std::nullopt;
  const int hour = two_digits(text.substr(12));
  const int minute = two_digits(text.substr(15));
  const int second = two_digits(text.substr(18));
  const int zone_hour = two_digits(text.substr(22));
  const int zone_minute = two_digits(text.substr(24));
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  if (zone_hour < 0 || zone_hour > 23 || zone_minute < 0 || zone_minute > 59) return std::nullopt;
  if (text[21] != '+' && text[21] != '-') return std::nullopt;
  const int zone = (zone_hour * 60 + zone_minute) * (text[21] == '-' ? -1 : 1);
  const int64_t local = int64_t{date.days()} * 86400 + hour * 3600 + minute * 60 + second;
  return DateTime{local - zone * 60, static_cast<int16_t>(zone)};
}

void append_date_time(std::string& out, DateTime when) {
  const int zone = std::clamp<int>(when.zone_minutes, -1439, 1439);
  constexpr int64_t kFirst = -62167219200;  // year 0
  constexpr int64_t kLast = 253402300799;   // end of 9999
  const int64_t local = std::clamp(std::clamp(when.unix_seconds, kFirst, kLast) + zone * 60, kFirst, kLast);
  const int64_t days = local >= 0 ? local / 86400 : -((86399 - local) / 86400);
  const int rest = static_cast<int>(local - days * 86400);
  const Civil civil = civil_from_days(days);
  char text[kDateTimeLength];
  char* at = put_two(text, civil.day);
  if (text[0] == '0') text[0] = ' ';
  *at++ = '-';
  at = std::copy_n(kMonths[static_cast<size_t>(civil.month - 1)].data(), 3, at);
  *at++ = '-';
  at = put_two(at, static_cast<int>(civil.year / 100));
  at = put_two(at, static_cast<int>(civil.year % 100));
  *at++ = ' ';
  at = put_two(at, rest / 3600);
  *at++ = ':';
  at = put_two(at, rest / 60 % 60);
  *at++ = ':';
  at = put_two(at, rest % 60);
  *at++ = ' ';
  *at++ = zone < 0 ? '-' : '+';
  at = put_two(at, std::abs(zone) / 60);
  put_two(at, std::abs(zone) % 60);
  out.append(text, sizeof text);
}

std::optional<Date> parse_date(std::string_view text) {
  if (text.size() != 10 && text.size() != 11) return std::nullopt;
  const bool one_digit = text.size() == 10;
  if (one_digit && !is_digit(text[0])) return std::nullopt;
  const int day = one_digit ? text[0] - '0' : two_digits(text);
  Date date;
  if (!parse_month_year(text.substr(one_digit ? 1 : 2), day, date)) return std::nullopt;
  return date;
}

std::string format_date(Date date) {
  std::string out = std::to_string(date.day);
  out += '-';
  out += kMonths[static_cast<size_t>(std::clamp<int>(date.month, 1, 12) - 1)];
  out += '-';
  char year[4];
  put_two(put_two(year, date.year / 100 % 100), date.year % 100);
  return out.append(year, 4);
}

}  // namespace dromos::imapd
