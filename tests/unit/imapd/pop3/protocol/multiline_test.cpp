#include "imapd/pop3/protocol/multiline.h"

#include <catch2/catch.hpp>

using namespace dromos::imapd::pop3;

namespace {

std::string stuffed(std::string_view message, size_t piece) {
  DotStuffer stuffer;
  std::string out;
  for (size_t at = 0; at < message.size(); at += piece) stuffer.feed(message.substr(at, piece), out);
  stuffer.finish(out);
  return out;
}

std::string top(std::string_view message, uint32_t lines, size_t piece) {
  TopCutter cutter(lines);
  std::string out;
  for (size_t at = 0; at < message.size() && !cutter.done(); at += piece) {
    const std::string_view bytes = message.substr(at, piece);
    out += bytes.substr(0, cutter.take(bytes));
  }
  return out;
}

uint64_t length(std::string_view message, size_t piece) {
  SentLength length;
  for (size_t at = 0; at < message.size(); at += piece) length.feed(message.substr(at, piece));
  return length.total();
}

/// What a client has of the response.
std::string received(std::string_view wire) {
  std::string out;
  for (size_t at = 0; wire.substr(at) != ".\r\n";) {
    const size_t end = wire.find("\r\n", at) + 2;
    out += wire.substr(wire[at] == '.' ? at + 1 : at, end - (wire[at] == '.' ? at + 1 : at));
    at = end;
  }
  return out;
}

void check_stuffed(std::string_view message, std::string_view wire) {
  INFO(message);
  CHECK(length(message, message.size() + 1) == received(wire).size());
  CHECK(length(message, 1) == received(wire).size());
  CHECK(length(message, 3) == received(wire).size());
  CHECK(stuffed(message, message.size() + 1) == wire);
  CHECK(stuffed(message, 1) == wire);
  CHECK(stuffed(message, 3) == wire);
}

void check_top(std::string_view message, uint32_t lines, std::string_view shown) {
  INFO(message << " " << lines);
  CHECK(top(message, lines, message.size() + 1) == shown);
  CHECK(top(message, lines, 1) == shown);
}

}  // namespace

TEST_CASE("Messages become multi-line responses whatever the pieces", "[unit][imapd][pop3]") {
  check_stuffed("", ".\r\n");
  check_stuffed("a\r\n", "a\r\n.\r\n");
  check_stuffed("a", "a\r\n.\r\n");
  check_stuffed(".\r\n..\r\n.a\r\nb.\r\n", "..\r\n...\r\n..a\r\nb.\r\n.\r\n");
  check_stuffed(".", "..\r\n.\r\n");
}

TEST_CASE("Lone line feeds hide no end of a response", "[unit][imapd][pop3]") {
  check_stuffed("a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n");
  check_stuffed("a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n");
  check_stuffed("a\r", "a\r\n.\r\n");
  check_stuffed("a\r.\r\n", "a\r.\r\n.\r\n");
  check_stuffed("a\r\r\n", "a\r\r\n.\r\n");
  check_stuffed("\n\n", "\r\n\r\n.\r\n");
}

TEST_CASE("TOP shows the header and as many lines as asked for", "[unit][imapd][pop3]") {
  const std::string_view message = "A: b\r\n c\r\n\r\n1\r\n\r\n3\r\n";
  check_top(message, 0, "A: b\r\n c\r\n\r\n");
  check_top(message, 1, "A: b\r\n c\r\n\r\n1\r\n");
  check_top(message, 2, "A: b\r\n c\r\n\r\n1\r\n\r\n");
  check_top(message, 3, message);
  check_top(message, UINT32_MAX, message);
  check_top("A: b\n\nx\ny", 1, "A: b\n\nx\n");
  check_top("A: b\n\nx\ny", 2, "A: b\n\nx\ny");
  check_top("\r\nbody\r\nmore\r\n", 1, "\r\nbody\r\n");
  check_top("no blank line\r\n", 5, "no blank line\r\n");
  check_top("", 5, "");
}
