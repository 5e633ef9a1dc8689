#include "common/base/utf8.h"

#include <catch2/catch.hpp>
#include <vector>

#include "common/base/strings.h"

using namespace dromos;

TEST_CASE("each character is written and read back", "[unit][base]") {
  size_t octets = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (!is_character(c)) continue;
    std::string text;
    append_utf8(text, c);
    size_t at = 0;
    if (next_character(text, at) != c || at != text.size() || utf8_length(text, 0) != text.size() ||
        !is_utf8(text)) {
      CAPTURE(static_cast<uint32_t>(c), hex(text));
      FAIL("not the same character");
    }
    octets += text.size();
  }
  REQUIRE(octets == 0x80 + 2 * (0x800 - 0x80) + 3 * (0x10000 - 0x800 - 0x800) + 4 * 0x100000);
}

TEST_CASE("what is no character is written as U+FFFD", "[unit][base]") {
  for (const char32_t c : {0xD800U, 0xDBFFU, 0xDC00U, 0xDFFFU, 0x110000U, 0xFFFFFFFFU}) {
    REQUIRE_FALSE(is_character(c));
    std::string text;
    append_utf8(text, c);
    REQUIRE(text == "\xef\xbf\xbd");
  }
  REQUIRE(is_character(0xD7FF));
  REQUIRE(is_character(0xE000));
  REQUIRE(is_character(0x10FFFF));
}

TEST_CASE("broken sequences are read as U+FFFD, an octet each", "[unit][base]") {
  const std::vector<std::string> broken = {"\x80",         "\xbf",         "\xc0\xaf",     "\xc1\xbf",
                                           "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf", "\xf4\x90\x80\x80",
                                           "\xf5\x80",     "\xff",         "\xc3",         "\xe2\x82",
                                           "\xf0\x9f\x98"};
  for (const std::string& piece : broken)
    for (const std::string& after : {std::string(), std::string("y"), std::string("\xc3\xbc")}) {
      const std::string text = "x" + piece + after;
      CAPTURE(hex(text));
      REQUIRE(utf8_length(text, 1) == 0);
      size_t at = 1;
      for (size_t i = 0; i < piece.size(); ++i) {
        REQUIRE(next_character(text, at) == kReplacement);
        REQUIRE(at == i + 2);
      }
      if (!after.empty()) REQUIRE(next_character(text, at) == (after == "y" ? U'y' : U'\u00fc'));
      REQUIRE(at == text.size());
    }
}

TEST_CASE("characters at the end of a text are read", "[unit][base]") {
  const std::string text = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
  std::u32string read;
  for (size_t at = 0; at < text.size();) read += next_character(text, at);
  REQUIRE(read == U"a\u00fc\u20ac\U0001f600");
}
