#include "common/rpc/wire.h"

#include <catch2/catch.hpp>

using namespace dromos;
using namespace std::chrono_literals;

TEST_CASE("messages are read whole and byte by byte alike", "[unit][rpc]") {
  const std::vector<std::string> sent = {"", "a", std::string(70'000, 'x'), "last"};
  std::string bytes;
  for (const std::string& message : sent) bytes += rpc::framed(message);
  for (const size_t step : {bytes.size(), size_t{1}, size_t{7}}) {
    rpc::MessageReader reader(100'000);
    std::vector<std::string> got;
    for (size_t at = 0; at < bytes.size(); at += step) {
      reader.feed(std::string_view(bytes).substr(at, step));
      while (true) {
        const auto message = reader.next();
        REQUIRE(message);
        if (!*message) break;
        got.push_back(**message);
      }
    }
    CHECK(got == sent);
    CHECK(reader.pending() == 0);
  }
}

TEST_CASE("a message that is compressed or too long is an error", "[unit][rpc]") {
  rpc::MessageReader longest(4);
  longest.feed(rpc::framed("four"));
  const auto four = longest.next();
  REQUIRE(four);
  REQUIRE(*four);
  CHECK(**four == "four");
  longest.feed(rpc::framed("fives"));
  CHECK_FALSE(longest.next());
  rpc::MessageReader compressed(100);
  compressed.feed(std::string_view("\x01\0\0\0\0", 5));
  CHECK_FALSE(compressed.next());
  rpc::MessageReader huge(100);
  huge.feed(std::string_view("\0\xff\xff\xff\xff", 5));
  CHECK_FALSE(huge.next());
}

TEST_CASE("timeouts keep eight digits", "[unit][rpc]") {
  CHECK(rpc::timeout_text(1500us) == "1500u");
  CHECK(rpc::timeout_text(-5us) == "0u");
  CHECK(rpc::timeout_text(100s) == "100000m");
  for (const microseconds each :
       {microseconds(0), microseconds(99'999'999), microseconds(5s), microseconds(30h)})
    CHECK(rpc::parse_timeout(rpc::timeout_text(each)) == each);
  CHECK(rpc::parse_timeout("2500n") == 2us);
  CHECK(rpc::parse_timeout("99999999H") == microseconds(99'999'999h));
  for (const auto* bad : {"", "5", "m", "123456789m", "-1S", "1 S", "1x"})
    CHECK_FALSE(rpc::parse_timeout(bad));
}

TEST_CASE("status texts survive as fields", "[unit][rpc]") {
  CHECK(rpc::percent_encoded("50 % of \xc3\xbc\r\n") == "50 %25 of %C3%BC%0D%0A");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  CHECK(rpc::percent_decoded(rpc::percent_encoded(all)) == all);
  CHECK(rpc::percent_decoded("%") == "%");
  CHECK(rpc::percent_decoded("%4") == "%4");
  CHECK(rpc::percent_decoded("%zz%41") == "%zzA");
}
