#include "common/mime/date.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "common/base/strings.h"
#include "common/mime/lexer.h"

namespace dromos::mime {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDays = {"Thu", "Fri", "Sat", "Sun",
                                                   "Mon", "Tue", "Wed"};  // 1970-01-01 on
constexpr std::pair<std::string_view, int> kZones[] = {
    {"ut", 0},     {"utc", 0},    {"gmt", 0},    {"z", 0},      {"est", -300}, {"edt", -240},
    {"cst", -360}, {"cdt", -300}, {"mst", -420}, {"mdt", -360}, {"pst", -480}, {"pdt", -420},
    {"bst", 60},   {"cet", 60},   {"cest", 120}, {"met", 60},   {"mest", 120}, {"eet", 120},
    {"eest", 180}, {"msk", 180},  {"jst", 540},  {"kst", 540}};

// Days since 1970-01-01 in the proleptic Gregorian calendar.
int64_t days_from_civil(int64_t y, int m, int d) {
  y -= m <= 2;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t yoe = y - era * 400;
  const int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct Civil {
  int64_t year;
  int month, day, hour, minute, second, weekday;
};

Civil civil_from(int64_t epoch) {
  int64_t days = epoch / 86400;
  int64_t rest = epoch % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const int64_t z = days + 719468;
  const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const int64_t doe = z - era * 146097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {yoe + era * 400 + (month <= 2),
          month,
          static_cast<int>(doy - (153 * mp + 2) / 5 + 1),
          static_cast<int>(rest / 3600),
          static_cast<int>(rest / 60 % 60),
          static_cast<int>(rest % 60),
          static_cast<int>(((days % 7) + 7) % 7)};
}

std::optional<int> month_number(std::string_view word) {
  if (word.size() < 3) return std::nullopt;
  for (size_t i = 0; i < kMonths.size(); ++i)
    if (istarts_with(word, kMonths[i])) return static_cast<int>(i) + 1;
  return std::nullopt;
}

class DateParser {
 public:
  explicit DateParser(std::string_view text) : lexer_(text) { lexer_.skip_blanks(); }

  std::optional<Date> run() {
    std::string word;
    if (is_alpha(lexer_.peek())) {  // day name, or asctime's "Sun Nov 22 03:04:05 2026"
      letters(word);
      lexer_.skip_blanks();
      while (lexer_.accept(',') || lexer_.accept('.')) lexer_.skip_blanks();
      if (is_alpha(lexer_.peek())) return asctime();
    }
    const auto day = number(2);
    separator();
    word.clear();
    letters(word);
    const auto month = month_number(word);
    separator();
    size_t digits = 0;
    const auto year = number(4, &digits);
    if (!day || !month || !year) return std::nullopt;
    lexer_.skip_blanks();
    if (!time()) return std::nullopt;
    zone();
    return result(full_year(*year, digits), *month, *day);
  }

 private:
  void letters(std::string& out) {
    while (is_alpha(lexer_.peek())) {
      out += lexer_.peek();
      lexer_.advance();
    }
  }

  void separator() {
    lexer_.skip_blanks();
    if (lexer_.accept('-') || lexer_.accept('.')) lexer_.skip_blanks();
  }

  std::optional<int> number(size_t most, size_t* digits = nullptr) {
    int value = 0;
    size_t n = 0;
    while (n < most && is_digit(lexer_.peek())) {
      value = value * 10 + (lexer_.peek() - '0');
      lexer_.advance();
      ++n;
    }
    if (digits != nullptr) *digits = n;
    if (n == 0) return std::nullopt;
    return value;
  }

  // RFC 5322 §4.3
  static int full_year(int year, size_t digits) {
    if (digits == 2) return year < 50 ? 2000 + year : 1900 + year;
    return digits == 3 ? 1900 + year : year;
  }

  // hour ":" minute [":" second]; blanks and comments may stand between (obs-time).
  bool time() {
    const auto hour = number(2);
    lexer_.skip_blanks();
    if (!hour || !(lexer_.accept(':') || lexer_.accept('.'))) return false;
    lexer_.skip_blanks();
    const auto minute = number(2);
    if (!minute) return false;
    hour_ = *hour;
    minute_ = *minute;
    lexer_.skip_blanks();
    if (!(lexer_.accept(':') || lexer_.accept('.'))) return true;
    lexer_.skip_blanks();
    const auto second = number(2);
    second_ = second.value_or(0);
    return second.has_value();
  }

  void zone() {
    lexer_.skip_blanks();
    const char sign = lexer_.peek();
    if (sign == '+' || sign == '-') {
      lexer_.advance();
      size_t digits = 0;
      const int value = number(4, &digits).value_or(0);
      if (digits == 4 || digits == 3) offset_ = value / 100 * 60 + value % 100;
      if (digits == 2) {
        offset_ = value * 60;
        if (lexer_.accept(':')) offset_ += number(2).value_or(0);
      }
      if (sign == '-') offset_ = -offset_;
      known_ = digits >= 2 && !(sign == '-' && value == 0) && offset_ > -24 * 60 && offset_ < 24 * 60;
      if (!known_) offset_ = 0;
      return;
    }
    std::string word;
    letters(word);
    for (const auto& [name, minutes] : kZones)
      if (iequals(word, name)) {
        offset_ = minutes;
        return;
      }
    known_ = false;  // military letters and unknown names count as -0000
  }

  std::optional<Date> asctime() {
    std::string word;
    letters(word);
    const auto month = month_number(word);
    lexer_.skip_blanks();
    const auto day = number(2);
    lexer_.skip_blanks();
    if (!month || !day || !time()) return std::nullopt;
    lexer_.skip_blanks();
    known_ = false;
    if (is_alpha(lexer_.peek())) {
      known_ = true;
      zone();
      lexer_.skip_blanks();
    }
    size_t digits = 0;
    const auto year = number(4, &digits);
    if (!year || digits < 2) return std::nullopt;
    lexer_.skip_blanks();
    if (lexer_.peek() == '+' || lexer_.peek() == '-') zone();
    return result(full_year(*year, digits), *month, *day);
  }

  std::optional<Date> result(int year, int month, int day) const {
    if (day < 1 || day > 31 || hour_ > 24 || minute_ > 59 || second_ > 60) return std::nullopt;
    Date date;
    date.epoch =
        days_from_civil(year, month, day) * 86400 + hour_ * 3600 + minute_ * 60 + second_ - offset_ * 60;
    date.offset_minutes = offset_;
    date.zone_known = known_;
    return date;
  }

  Lexer lexer_;
  int hour_ = 0, minute_ = 0, second_ = 0, offset_ = 0;
  bool known_ = true;
};

}  // namespace

std::optional<Date> parse_date(std::string_view value) {
  return DateParser(value).run();
}

std::string format_date(int64_t epoch, int offset_minutes) {
  const Civil c = civil_from(epoch + offset_minutes * 60);
  std::string month(kMonths[static_cast<size_t>(c.month - 1)]);
  month[0] = ascii_upper(month[0]);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%s, %02d %s %04lld %02d:%02d:%02d %c%02d%02d",
                kDays[static_cast<size_t>(c.weekday)].data(), c.day, month.c_str(),
                static_cast<long long>(c.year), c.hour, c.minute, c.second, offset_minutes < 0 ? '-' : '+',
                std::abs(offset_minutes) / 60, std::abs(offset_minutes) % 60);
  return buffer;
}

std::string format_rfc3339(const Date& date) {
  const Civil c = civil_from(date.epoch + date.offset_minutes * 60);
  char buffer[64];
  int n = std::snprintf(buffer, sizeof buffer, "%04lld-%02d-%02dT%02d:%02d:%02d",
                        static_cast<long long>(c.year), c.month, c.day, c.hour, c.minute, c.second);
  if (date.offset_minutes == 0)
    std::snprintf(buffer + n, sizeof buffer - static_cast<size_t>(n), "Z");
  else
    std::snprintf(buffer + n, sizeof buffer - static_cast<size_t>(n), "%c%02d:%02d",
                  date.offset_minutes < 0 ? '-' : '+', std::abs(date.offset_minutes) / 60,
                  std::abs(date.offset_minutes) % 60);
  return buffer;
}

}  // namespace dromos::mime
