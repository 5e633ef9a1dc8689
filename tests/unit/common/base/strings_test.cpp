#include "common/base/strings.h"

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
  REQUIRE(std::move(failed).error().with_context("reading").to_string() ==
          "base/not_found: reading: no such thing");
}
