#include "common/base/strings.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "common/base/ids.h"
#include "common/base/result.h"

using namespace dromos;

TEST_CASE("base64 is strict and round-trips", "[unit][base]") {
  REQUIRE(base64("") == "");
  REQUIRE(base64("f") == "Zg==");
  REQUIRE(base64("fo") == "Zm8=");
  REQUIRE(base64("foo") == "Zm9v");
  REQUIRE(unbase64("Zm9v") == "foo");
  REQUIRE(unbase64("Zg==") == "f");
  REQUIRE_FALSE(unbase64("Zg="));
  REQUIRE_FALSE(unbase64("Zh=="));  // stray bits
  REQUIRE_FALSE(unbase64("Zg== "));
  REQUIRE_FALSE(unbase64("===="));
  REQUIRE(unbase64url(base64url("\xff\xfe")) == "\xff\xfe");
}

TEST_CASE("UTF-8 cleaning replaces NUL, overlong forms and surrogates", "[unit][base]") {
  REQUIRE(is_utf8("gr\xc3\xbc\xc3\x9f"));
  REQUIRE_FALSE(is_utf8("\xc0\xaf"));
  REQUIRE_FALSE(is_utf8("\xed\xa0\x80"));
  REQUIRE_FALSE(is_utf8("\xf4\x90\x80\x80"));
  REQUIRE(clean_utf8(std::string_view("a\0b", 3)) ==
          "a\xef\xbf\xbd"
          "b");
  REQUIRE(is_utf8(clean_utf8("\xff\xc3")));
}

// One byte at a time, after RFC 3629 §4: what the code that reads words must agree with.
static std::string cleaned_bytewise(std::string_view bytes, bool& well_formed) {
  std::string out;
  well_formed = true;
  for (size_t i = 0; i < bytes.size();) {
    const auto at = [&](size_t k) {
      return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : static_cast<unsigned char>(0);
    };
    const auto tail = [&](size_t k) { return at(k) >= 0x80 && at(k) <= 0xbf; };
    const unsigned char a = at(i), b = at(i + 1);
    size_t n = 0;
    if (a < 0x80) n = 1;
    if (a >= 0xc2 && a <= 0xdf && tail(i + 1)) n = 2;
    if ((a & 0xf0) == 0xe0 && tail(i + 1) && tail(i + 2) && !(a == 0xe0 && b < 0xa0) &&
        !(a == 0xed && b > 0x9f))
      n = 3;
    if (a >= 0xf0 && a <= 0xf4 && tail(i + 1) && tail(i + 2) && tail(i + 3) && !(a == 0xf0 && b < 0x90) &&
        !(a == 0xf4 && b > 0x8f))
      n = 4;
    well_formed = well_formed && n > 0;
    out += n == 0 || a == 0 ? "\xef\xbf\xbd" : std::string(bytes.substr(i, n));
    i += std::max<size_t>(n, 1);
  }
  return out;
}

TEST_CASE("UTF-8 read in words is judged as read in bytes", "[unit][base]") {
  const std::vector<std::string> pieces = {"a",
                                           "plain",
                                           std::string(1, '\0'),
                                           "sixteen letters.",
                                           "\xc3\xbc",
                                           "\xe2\x82\xac",
                                           "\xf0\x9f\x98\x80",
                                           "\xff",
                                           "\xe2\x82",
                                           "\x80",
                                           "\xed\xa0\x80",
                                           "\x7f",
                                           "\xc0\xaf",
                                           "\xf4\x90\x80\x80"};
  for (size_t before = 0; before < 10; ++before)
    for (const std::string& first : pieces)
      for (const std::string& second : pieces)
        for (const size_t after : {0, 1, 7, 8, 17}) {
          const std::string text = std::string(before, 'x') + first + second + std::string(after, 'y');
          CAPTURE(hex(text));
          bool well_formed = false;
          const std::string expected = cleaned_bytewise(text, well_formed);
          REQUIRE(clean_utf8(text) == expected);
          REQUIRE(is_utf8(text) == well_formed);
          REQUIRE(is_ascii(text) ==
                  std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; }));
        }
}

TEST_CASE("numbers parse whole or not at all", "[unit][base]") {
  REQUIRE(parse_number<uint32_t>("4294967295") == 4294967295u);
  REQUIRE_FALSE(parse_number<uint32_t>("4294967296"));
  REQUIRE_FALSE(parse_number<uint32_t>("-1"));
  REQUIRE_FALSE(parse_number<uint32_t>("1 "));
  REQUIRE_FALSE(parse_number<uint32_t>(""));
}

TEST_CASE("ids have one text form each", "[unit][base]") {
  for (int64_t n : {int64_t{1}, int64_t{255}, int64_t{256}, INT64_MAX})
    REQUIRE(parse_account_id(to_text(AccountId{n})) == AccountId{n});
  REQUIRE_FALSE(parse_account_id("A"));
  REQUIRE_FALSE(parse_account_id("Paa"));
  REQUIRE_FALSE(parse_account_id("Aaaaa"));  // leading zero bytes
  const auto id = MessageId::make();
  REQUIRE(parse_message_id(to_text(id)) == id);
  REQUIRE(Uuid::parse(id.value.to_string()) == id.value);
}

TEST_CASE("version 7 UUIDs of a thread are ordered", "[unit][base]") {
  Uuid last = Uuid::v7();
  for (int i = 0; i < 20000; ++i) {
    const Uuid next = Uuid::v7();
    REQUIRE(last < next);
    last = next;
  }
}

static Result<int> twice(Result<int> in) {
  TRY(const int value, std::move(in));
  return value * 2;
}

TEST_CASE("TRY passes errors through", "[unit][base]") {
  REQUIRE(twice(21) == 42);
  auto failed = twice(fail(Errc::not_found, "no such thing"));
  REQUIRE_FALSE(failed);
  REQUIRE(failed.error().is(Errc::not_found));
  const Error error = std::move(failed).error().with_context("reading");
  REQUIRE(error.to_string() == "base/not_found: reading: no such thing");
}
