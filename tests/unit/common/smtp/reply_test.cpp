#include "common/smtp/reply.h"

#include <catch2/catch.hpp>

using namespace dromos;
using namespace dromos::smtp;

namespace {

/// All replies of `wire`, or the error's text as last entry.
std::vector<std::string> parse(std::string_view wire, size_t chunk) {
  ReplyParser parser;
  std::vector<std::string> out;
  while (!wire.empty()) {
    const std::string piece(wire.substr(0, chunk));
    wire.remove_prefix(piece.size());
    std::string_view input = piece;
    while (!input.empty()) {
      auto reply = parser.feed(input);
      if (!reply) {
        out.push_back("error: " + reply.error().message());
        return out;
      }
      if (*reply) out.push_back((*reply)->summary() + "/" + std::to_string((*reply)->lines.size()));
    }
  }
  return out;
}

Reply one(std::string_view wire) {
  ReplyParser parser;
  return parser.feed(wire).value().value();
}

}  // namespace

TEST_CASE("replies are written as RFC 5321 §4.2 and RFC 2034 ask", "[unit][smtp]") {
  REQUIRE(Reply(250, "OK").wire() == "250 OK\r\n");
  REQUIRE(Reply(550, {5, 1, 1}, "No such user").wire() == "550 5.1.1 No such user\r\n");
  Reply multi(250, "mx.test");
  multi.lines.emplace_back("SIZE 100");
  multi.lines.emplace_back("PIPELINING");
  REQUIRE(multi.wire() == "250-mx.test\r\n250-SIZE 100\r\n250 PIPELINING\r\n");
  multi.enhanced = {2, 0, 0};
  REQUIRE(multi.wire() == "250-2.0.0 mx.test\r\n250-2.0.0 SIZE 100\r\n250 2.0.0 PIPELINING\r\n");
  REQUIRE(Reply().wire() == "0 \r\n");
  REQUIRE(Reply(250, "a\r\n250 b\n\x01").wire() == "250 a  250 b  \r\n");
  for (const std::string& long_text : {std::string(2000, 'x'), [] {
                                         std::string s;
                                         for (int i = 0; i < 700; ++i) s += "\xC3\xBC";
                                         return s;
                                       }()}) {
    const std::string wire = Reply(550, {5, 7, 1}, long_text).wire();
    std::string_view rest = wire;
    std::string joined;
    while (!rest.empty()) {
      const size_t end = rest.find("\r\n");
      REQUIRE(end + 2 <= 512);
      joined += rest.substr(10, end - 10);
      rest.remove_prefix(end + 2);
    }
    REQUIRE(joined == long_text);
  }
}

TEST_CASE("replies parse the same whole and byte by byte", "[unit][smtp]") {
  struct Case {
    std::string wire;
    std::vector<std::string> replies;
  };
  const Case cases[] = {
      {"220 mx.test ESMTP\r\n", {"220 mx.test ESMTP/1"}},
      {"250-a\r\n250-b\r\n250 c\r\n354 go\r\n", {"250 a b c/3", "354 go/1"}},
      {"250\r\n", {"250/1"}},
      {"250 \r\n", {"250/1"}},
      {"550 5.1.1 No\r\n", {"550 5.1.1 No/1"}},
      {"550-5.1.1 No\r\n550 5.1.1 such\r\n", {"550 5.1.1 No such/2"}},
      {"550-5.1.1 No\r\n550 5.1.2 such\r\n", {"550 5.1.1 No 5.1.2 such/2"}},
      {"550 2.0.0 odd\r\n", {"550 2.0.0 odd/1"}},  // a class that does not fit is text
      {"250 2.0.0\r\n", {"250 2.0.0/1"}},
      {"250 ok\n", {"250 ok/1"}},
      {"25", {}},
      {"250 x", {}},
      {"hello\r\n", {"error: reply does not begin with a code"}},
      {"\r\n", {"error: reply does not begin with a code"}},
      {"250x\r\n", {"error: no blank or hyphen after the reply code"}},
      {"150 x\r\n", {"error: reply code out of range"}},
      {"999 x\r\n", {"error: reply code out of range"}},
      {"250-a\r\n550 b\r\n", {"error: codes differ within one reply"}},
      {"250 " + std::string(1997, 'x') + "\n", {"error: reply line is too long"}},
      {"250 " + std::string(1996, 'x') + "\r\n", {"250 " + std::string(1996, 'x') + "/1"}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.wire);
    for (const size_t chunk : {1, 2, 7, 5000}) REQUIRE(parse(c.wire, chunk) == c.replies);
  }
}

TEST_CASE("replies without end are refused", "[unit][smtp]") {
  std::string wire;
  for (size_t i = 0; i < kMaxReplyLines; ++i) wire += "250-x\r\n";
  REQUIRE(parse(wire, 7).empty());
  REQUIRE(parse(wire + "250 x\r\n", 7) == std::vector<std::string>{"error: reply has too many lines"});
  REQUIRE(parse(std::string(5000, '2'), 100) == std::vector<std::string>{"error: reply line is too long"});
  REQUIRE(one("250 a\tb\x01\r\n").lines[0] == "a b ");
}

TEST_CASE("capabilities are read from EHLO's reply", "[unit][smtp]") {
  const Capabilities caps = parse_capabilities(
      one("250-mx.test SIZE DSN\r\n250-size 35882577\r\n250-8BITMIME\r\n250-StartTLS\r\n250-PIPELINING\r\n"
          "250-CHUNKING\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN login\r\n"
          "250-AUTH=PLAIN XOAUTH2\r\n250-REQUIRETLS\r\n250 X-UNKNOWN a b\r\n"));
  REQUIRE(caps.esmtp);
  REQUIRE(caps.size);
  REQUIRE(caps.max_size == 35882577);
  REQUIRE(caps.eight_bit_mime);
  REQUIRE(caps.starttls);
  REQUIRE(caps.pipelining);
  REQUIRE(caps.chunking);
  REQUIRE(caps.smtputf8);
  REQUIRE(caps.enhanced_status_codes);
  REQUIRE(caps.requiretls);
  REQUIRE_FALSE(caps.dsn);
  REQUIRE(caps.auth == std::vector<std::string>{"PLAIN", "LOGIN", "XOAUTH2"});
  REQUIRE(caps.has_auth("xoauth2"));
  REQUIRE_FALSE(parse_capabilities(one("502 5.5.1 what\r\n")).esmtp);
  REQUIRE(parse_capabilities(one("250-a\r\n250 SIZE\r\n")).max_size == 0);
  REQUIRE(parse_capabilities(one("250-a\r\n250 SIZE 99999999999999999999\r\n")).max_size == 0);
}

TEST_CASE("enhanced codes are three numbers and nothing else", "[unit][smtp]") {
  REQUIRE(EnhancedCode::parse("5.7.509") == EnhancedCode{5, 7, 509});
  for (const char* bad : {"", "5", "5.7", "5.7.", "5.7.1.1", "3.0.0", "1.0.0", "5.07.1", "5.7.1000", "5.-7.1",
                          "a.b.c", "5.7.1 "})
    REQUIRE_FALSE(EnhancedCode::parse(bad));
}

TEST_CASE("errors of other modules show their retry class only", "[unit][smtp]") {
  REQUIRE(reply_for(unavailable_error("db password wrong")).wire().find("password") == std::string::npos);
  REQUIRE(reply_for(unavailable_error("x")).code == 451);
  REQUIRE(reply_for(Error(dromos::Errc::internal, "x")).code == 554);
}
