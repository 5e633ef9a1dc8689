#include "imapd/pop3/protocol/command.h"

#include <catch2/catch.hpp>

using namespace dromos::imapd::pop3;

namespace {

Command parsed(std::string_view line) {
  auto command = parse_command(line);
  INFO(line);
  REQUIRE(command);
  return std::move(*command);
}

std::string refused(std::string_view line) {
  const auto command = parse_command(line);
  INFO(line);
  REQUIRE_FALSE(command);
  return command.error().message();
}

}  // namespace

TEST_CASE("POP3 verbs are read in any case", "[unit][imapd][pop3]") {
  CHECK(parsed("quit").verb == Verb::quit);
  CHECK(parsed("StAt").verb == Verb::stat);
  CHECK(name(parsed("rEtR 1").verb) == "RETR");
  CHECK(parsed("NOOP  ").verb == Verb::noop);
}

TEST_CASE("POP3 arguments are typed", "[unit][imapd][pop3]") {
  CHECK(parsed("RETR 17").number == 17);
  CHECK(parsed("RETR 0017").number == 17);
  CHECK(parsed("LIST").number == 0);
  CHECK(parsed("LIST 3 ").number == 3);
  const Command top = parsed("TOP 2 10");
  CHECK(top.number == 2);
  CHECK(top.lines == 10);
  CHECK(parsed("LANG").text.empty());
  CHECK(parsed("LANG en-GB").text == "en-GB");
  CHECK(parsed("USER bob@example.test").text == "bob@example.test");
}

TEST_CASE("POP3 numbers that fit nowhere name no message", "[unit][imapd][pop3]") {
  CHECK(parsed("DELE 4294967296").number == UINT32_MAX);
  CHECK(parsed("DELE " + std::string(1000, '9')).number == UINT32_MAX);
  CHECK(parsed("TOP 1 18446744073709551617").lines == UINT32_MAX);
}

TEST_CASE("A POP3 password keeps its blanks", "[unit][imapd][pop3]") {
  CHECK(parsed("PASS  two  blanks ").text == " two  blanks ");
  CHECK(parsed("PASS \xd0\xbf").text == "\xd0\xbf");
}

TEST_CASE("AUTH of POP3 keeps its initial response as it came", "[unit][imapd][pop3]") {
  const Command plain = parsed("AUTH PLAIN AGEAYg==");
  CHECK(plain.text == "PLAIN");
  CHECK(plain.initial == "AGEAYg==");
  CHECK_FALSE(parsed("AUTH SCRAM-SHA-256").initial);
  CHECK(parsed("AUTH EXTERNAL =").initial == "=");
  CHECK(parsed("AUTH PLAIN " + std::string(8000, 'A')).initial->size() == 8000);
}

TEST_CASE("Bad POP3 commands are refused with a reason", "[unit][imapd][pop3]") {
  CHECK(refused("") == "Unknown command");
  CHECK(refused(" STAT") == "Unknown command");
  CHECK(refused("APOP bob c4c9334bac560ecc979e58001b3e22fb") == "Unknown command");
  CHECK(refused("RETR") == "A message number is needed");
  CHECK(refused("RETR one") == "A message number is needed");
  CHECK(refused("RETR -1") == "A message number is needed");
  CHECK(refused("RETR  1") == "A message number is needed");
  CHECK(refused("RETR 0") == "Message numbers begin at 1");
  CHECK(refused("TOP 1") == "A number of lines is needed");
  CHECK(refused("RETR 1 2") == "Too many arguments");
  CHECK(refused("STAT 1") == "Too many arguments");
  CHECK(refused("AUTH PLAIN AA BB") == "Too many arguments");
  CHECK(refused("AUTH") == "A mechanism is needed");
  CHECK(refused("USER") == "An argument is needed");
  CHECK(refused("PASS ") == "An argument is needed");
  CHECK(refused("USER j\xfcrgen") == "The argument is not UTF-8");
  CHECK(refused("PASS " + std::string(kMaxCommandLine, 'x')) == "The line is too long");
}
