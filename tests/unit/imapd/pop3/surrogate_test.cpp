#include "imapd/pop3/surrogate.h"

#include <catch2/catch.hpp>

#include "common/base/strings.h"

using namespace dromos;
using imapd::pop3::surrogate_header;

TEST_CASE("Messages that are plain mail have no surrogate", "[unit][imapd][pop3]") {
  CHECK_FALSE(surrogate_header("From: a@b.c\r\nSubject: =?utf-8?q?=C3=BC?=\r\n\r\nbody \xc3\xbc\r\n"));
  CHECK_FALSE(surrogate_header("Subject: latin \xfc\r\n\r\n"));
  CHECK_FALSE(surrogate_header("\r\nbody \xc3\xbc"));
  CHECK_FALSE(surrogate_header(""));
}

TEST_CASE("A surrogate's header is ASCII and keeps what can be kept", "[unit][imapd][pop3]") {
  const std::string message =
      "From: J\xc3\xbcrgen <j@example.org>\r\n"
      "To: \xd0\xb1\xd0\xbe\xd0\xb1@example.test, Ann <ann@example.org>\r\n"
      "Cc: R\xc3\xa9my <r\xc3\xa9my@example.org>\r\n"
      "Subject: Gr\xc3\xbc\xc3\x9f"
      "e\r\n"
      "Message-ID: <1@example.org>\r\n"
      "X-Note: \xc3\xbc\r\n"
      "Content-Type: text/plain; name=\"\xc3\xbc;.txt\";\r\n charset=utf-8\r\n"
      "\r\nbody \xc3\xbc\r\n";
  const auto made = surrogate_header(message);
  REQUIRE(made);
  CHECK(is_ascii(made->header));
  CHECK(message.substr(made->replaced_octets) == "body \xc3\xbc\r\n");
  CHECK(made->header.ends_with("\r\n\r\n"));
  const auto has = [&](std::string_view text) { return made->header.find(text) != std::string::npos; };
  CHECK(has("<j@example.org>\r\n"));
  CHECK(has("<invalid@internationalized-address.invalid>,\r\n Ann <ann@example.org>\r\n"));
  CHECK(has("Subject: =?"));
  CHECK(has("Message-ID: <1@example.org>\r\n"));
  CHECK_FALSE(has("X-Note"));
  CHECK(has("Content-Type: text/plain;\r\n charset=utf-8\r\n"));
  CHECK_FALSE(has("example.test"));
}

TEST_CASE("A header without end has no surrogate", "[unit][imapd][pop3]") {
  CHECK_FALSE(surrogate_header("Subject: \xc3\xbc"));
}
