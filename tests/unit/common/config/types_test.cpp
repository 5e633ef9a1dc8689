#include "common/config/types.h"

#include <catch2/catch.hpp>

using namespace dromos::config;
using namespace std::chrono_literals;

TEST_CASE("Durations need a unit and add up", "[unit][config]") {
  CHECK(parse_duration("30s") == 30s);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("7d") == 168h);
  CHECK(parse_duration("0") == 0s);
  for (const char* bad :
       {"", "30", "s", "-1s", "1.5h", "30 s", "30S", "99999999999999999999s", "9999999d", "1h30"}) {
    INFO(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("Sizes take binary and decimal units and refuse overflow", "[unit][config]") {
  CHECK(parse_size("25MiB")->bytes == 25u << 20);
  CHECK(parse_size("512")->bytes == 512);
  CHECK(parse_size("10KB")->bytes == 10'000);
  for (const char* bad : {"", "MiB", "25 MiB", "-1", "1.5GiB", "25cows", "99999999999TiB", "1KiB1B"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad));
  }
}

TEST_CASE("Socket addresses are IP literals or paths and come back from their text", "[unit][config]") {
  for (const char* text : {"127.0.0.1:25", "[::1]:993", "*:0", "unix:/run/dromos/lmtp.sock"}) {
    const auto address = parse_socket_address(text);
    INFO(text);
    REQUIRE(address);
    CHECK(address->to_string() == text);
  }
  CHECK(parse_socket_address(":25")->host.empty());
  CHECK(parse_socket_address("localhost:25")->host == "127.0.0.1");
  CHECK(parse_socket_address("/run/x")->path == "/run/x");
  const std::string long_path = "/" + std::string(107, 'x');
  CHECK_FALSE(parse_socket_address(long_path));
  for (const char* bad :
       {"", "25", "mail.example:25", "127.0.0.1", "127.0.0.1:65536", "::1:25", "[::1]", "1.2.3:4"}) {
    INFO(bad);
    CHECK_FALSE(parse_socket_address(bad));
  }
}

TEST_CASE("Hosts to connect to have a name and a port", "[unit][config]") {
  CHECK(parse_host_port("smtp.example.net:587") == HostPort{"smtp.example.net", 587});
  CHECK(parse_host_port("smtp.example.net", 25) == HostPort{"smtp.example.net", 25});
  CHECK_FALSE(parse_host_port("smtp.example.net"));
  CHECK_FALSE(parse_host_port("-bad-.example:25"));
  CHECK_FALSE(parse_host_port("a..b:25"));
}
