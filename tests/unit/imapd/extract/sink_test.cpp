#include "imapd/extract/sink.h"

#include <catch2/catch.hpp>

#include "common/base/strings.h"
#include "imapd/extract/wire.h"

namespace dromos::extract {

TEST_CASE("A sink makes clean UTF-8 of anything", "[unit][extract]") {
  Sink sink(1000);
  sink.add(std::string_view("a\0b\x01\x7F\tc\xC3\xA4\xFF\xC0\xAF\xED\xA0\x80\xF5z\xE2\x82", 19));
  CHECK(is_utf8(sink.text()));
  CHECK(sink.text().starts_with("a b   cä\xEF\xBF\xBD"));
  CHECK(sink.text().find('z') != std::string::npos);
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      Sink pair(100);
      const char bytes[] = {static_cast<char>(first), static_cast<char>(second), '\x80', '\x80', 'x'};
      pair.add({bytes, sizeof bytes});
      CHECK(is_utf8(pair.text()));
    }
}

TEST_CASE("Lines and blanks are not repeated", "[unit][extract]") {
  Sink sink(100);
  sink.line();
  sink.add("a");
  sink.blank();
  sink.blank();
  sink.add("b");
  sink.line();
  sink.line();
  sink.blank();
  sink.add("c");
  CHECK(sink.text() == "a b\nc");
  CHECK_FALSE(sink.full());
}

TEST_CASE("Messages between imapd and its helper come back as they went", "[unit][extract]") {
  const auto hello = parse_greeting(greeting(false, 5, "no").substr(0, kGreetingBytes));
  REQUIRE(hello);
  CHECK_FALSE(hello->ready);
  CHECK(hello->layers == 5);
  CHECK(hello->reason_bytes == 2);
  CHECK_FALSE(parse_greeting("DXT2xxxx"));
  const auto asked = parse_request(request({1000, 2000, 3000}));
  REQUIRE(asked);
  CHECK(asked->document_bytes == 1000);
  CHECK(asked->text_limit == 2000);
  CHECK(asked->milliseconds == 3000);
  CHECK_FALSE(parse_request(request({kMaxDocument + 1, 1, 1})));
  CHECK_FALSE(parse_request(request({1, kMaxText + 1, 1})));
  const auto told = parse_answer(answer({Outcome::broken, kAnswerCut, 77}), 77);
  REQUIRE(told);
  CHECK(told->outcome == Outcome::broken);
  CHECK(told->flags == kAnswerCut);
  CHECK(told->text_bytes == 77);
  CHECK_FALSE(parse_answer(answer({Outcome::text, 0, 78}), 77));
  CHECK_FALSE(parse_answer(std::string("\x09\0\0\0\0\0\0\0", 8), 77));
  CHECK_FALSE(parse_answer("short", 77));
}

}  // namespace dromos::extract
