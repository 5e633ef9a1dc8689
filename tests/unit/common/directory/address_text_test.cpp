#include "common/directory/address_text.h"

#include <catch2/catch.hpp>

#include "common/directory/errc.h"

using namespace dromos;
using namespace dromos::directory;

TEST_CASE("domains become lower-case A-labels", "[unit][directory]") {
  CHECK(*domain_to_ascii("Example.TEST") == "example.test");
  CHECK(*domain_to_ascii("example.test.") == "example.test");
  CHECK(*domain_to_ascii("B\xc3\xbc"
                         "cher.Example") == "xn--bcher-kva.example");
  CHECK(*domain_to_ascii("bu\xcc\x88"
                         "cher.example") == "xn--bcher-kva.example");
  CHECK(*domain_to_ascii("fa\xc3\x9f.de") == "xn--fa-hia.de");
  CHECK(*domain_to_ascii("localhost") == "localhost");
}

TEST_CASE("what is no host name is refused", "[unit][directory]") {
  for (const std::string& text :
       {std::string(""), std::string("."), std::string("a..b"), std::string("-a.test"),
        std::string("a-.test"), std::string("a_b.test"), std::string("[192.0.2.1]"), std::string("a b.test"),
        std::string("a\0b.test", 8), std::string(64, 'a') + ".test", std::string("\xff.test"),
        std::string("\xc3\xbc\0.test", 8), std::string(5000, 'a')}) {
    INFO(text.substr(0, 80));
    const auto domain = domain_to_ascii(text);
    REQUIRE_FALSE(domain);
    CHECK(domain.error().is(directory::Errc::invalid_address));
  }
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  CHECK(domain_to_ascii(longest.substr(0, 253)));
  CHECK_FALSE(domain_to_ascii(longest + "aa"));
}

TEST_CASE("addresses split at the last @", "[unit][directory]") {
  const auto parts = split_address("Alice+x@Example.TEST");
  REQUIRE(parts);
  CHECK(parts->first == "Alice+x");
  CHECK(parts->second == "example.test");
  CHECK(*normalize_address("J\xc3\xb6rg@b\xc3\xbc"
                           "cher.example") == "J\xc3\xb6rg@xn--bcher-kva.example");
  for (const char* text : {"", "alice", "@example.test", "a@b@example.test", "a b@example.test", "alice@",
                           "a\"b@example.test", "a\\b@example.test", "\xff@example.test"}) {
    INFO(text);
    CHECK_FALSE(split_address(text));
  }
  CHECK(is_local_part(std::string(64, 'a')));
  CHECK_FALSE(is_local_part(std::string(65, 'a')));
}
