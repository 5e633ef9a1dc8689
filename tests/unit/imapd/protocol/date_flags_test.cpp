#include <catch2/catch.hpp>

#include "imapd/protocol/date.h"
#include "imapd/protocol/flags.h"

using namespace dromos::imapd;

static std::string formatted(DateTime when) {
  std::string out;
  append_date_time(out, when);
  return out;
}

TEST_CASE("Date-times are read and written", "[unit][imapd]") {
  CHECK(parse_date_time("17-Jul-1996 02:44:25 -0700") == DateTime{837596665, -420});
  CHECK(parse_date_time(" 1-Jan-1970 00:00:00 +0000") == DateTime{0, 0});
  CHECK(parse_date_time("01-jan-1970 01:00:00 +0100") == DateTime{0, 60});
  CHECK(parse_date_time("1-Jan-1970 00:00:00 +0000") == DateTime{0, 0});
  CHECK(parse_date_time("29-Feb-2024 23:59:60 +0000"));
  for (const char* text : {"17-Jul-1996 02:44:25 -0700", " 1-Mar-2000 00:00:00 +1345",
                           "31-Dec-9999 23:59:59 +0000", " 1-Jan-0001 00:00:00 +0000"})
    CHECK(formatted(*parse_date_time(text)) == text);
  CHECK(formatted({INT64_MAX, 32767}).size() == kDateTimeLength);
  CHECK(formatted({INT64_MIN, -32768}).size() == kDateTimeLength);
}

TEST_CASE("Impossible date-times are refused", "[unit][imapd]") {
  for (const char* text :
       {"", "29-Feb-2023 00:00:00 +0000", "32-Jan-2023 00:00:00 +0000", " 0-Jan-2023 00:00:00 +0000",
        "01-Foo-2023 00:00:00 +0000", "01-Jan-2023 24:00:00 +0000", "01-Jan-2023 00:60:00 +0000",
        "01-Jan-2023 00:00:00 0000+", "01-Jan-2023 00:00:00 +0060", "01-Jan-2023T00:00:00 +0000",
        "01-Jan-2023 00:00:00 +0000 ", "01-Jan-23 00:00:00 +0000"})
    CHECK_FALSE(parse_date_time(text));
}

TEST_CASE("Search dates are read and written", "[unit][imapd]") {
  CHECK(parse_date("1-Feb-1994") == Date{1994, 2, 1});
  CHECK(parse_date("01-FEB-1994") == Date{1994, 2, 1});
  CHECK(format_date({1994, 2, 1}) == "1-Feb-1994");
  CHECK(Date{1970, 1, 1}.days() == 0);
  CHECK(Date{2000, 3, 1}.days() == 11017);
  for (int32_t day = -800'000; day < 2'000'000; day += 97) {
    const Date date = Date::from_days(day);
    REQUIRE(date.days() == day);
  }
  for (const char* text :
       {"", "1-Feb-94", "31-Feb-1994", "1 Feb 1994", "001-Feb-1994", "-1-Feb-1994", "x1-Feb-1994"})
    CHECK_FALSE(parse_date(text));
}

TEST_CASE("Flags are bits and keywords", "[unit][imapd]") {
  FlagSet flags;
  CHECK(add_flag("\\seen", flags));
  CHECK(add_flag("$Forwarded", flags));
  CHECK(add_flag("$FORWARDED", flags));  // the same keyword
  CHECK(flags.system == kFlagSeen);
  CHECK(format_flags(flags) == "\\Seen $Forwarded");
  CHECK_FALSE(add_flag("\\Foo", flags));
  CHECK_FALSE(add_flag("a b", flags));
  CHECK_FALSE(add_flag("a]", flags));
  CHECK_FALSE(add_flag("", flags));
  CHECK_FALSE(add_flag("\xc3\xa4", flags));
  CHECK_FALSE(add_flag(std::string(kMaxKeywordLength + 1, 'a'), flags));
  CHECK(format_flags({.system = 31}) == "\\Answered \\Flagged \\Deleted \\Seen \\Draft");
}
