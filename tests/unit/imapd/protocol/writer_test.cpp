#include "imapd/protocol/writer.h"

#include <catch2/catch.hpp>

#include "imapd/protocol/command_fetch.h"

using namespace dromos::imapd;
using namespace std::string_literals;

template <class Fn>
static std::string written(Fn fn, bool utf8 = false) {
  Writer writer(utf8);
  fn(writer);
  return writer.take();
}

TEST_CASE("Strings are quoted where quotes can carry them", "[unit][imapd]") {
  const auto as_string = [](std::string_view bytes, bool utf8) {
    return written([&](Writer& w) { w.string(bytes); }, utf8);
  };
  CHECK(as_string("", false) == "\"\"");
  CHECK(as_string("a\"b\\c", false) == "\"a\\\"b\\\\c\"");
  CHECK(as_string("a\r\nb", false) == "{4}\r\na\r\nb");
  CHECK(as_string("\u00e4", false) == "{2}\r\n\u00e4");
  CHECK(as_string("\u00e4", true) == "\"\u00e4\"");
  CHECK(as_string("\xff", true) == "{1}\r\n\xff");
  CHECK(as_string(std::string(5000, 'a'), false).substr(0, 8) == "{5000}\r\n");
  CHECK(written([](Writer& w) { w.nstring(std::nullopt); }) == "NIL");
  CHECK(written([](Writer& w) { w.literal("a\0b"s, true); }) == "~{3}\r\na\0b"s);
}

TEST_CASE("Astrings are atoms where they can be", "[unit][imapd]") {
  const auto as_astring = [](std::string_view bytes) {
    return written([&](Writer& w) { w.astring(bytes); });
  };
  CHECK(as_astring("INBOX") == "INBOX");
  CHECK(as_astring("a b") == "\"a b\"");
  CHECK(as_astring("nil") == "\"nil\"");
  CHECK(as_astring("") == "\"\"");
  CHECK(as_astring("a*") == "\"a*\"");
  CHECK(written([](Writer& w) { w.mailbox("Entw\u00fcrfe"); }) == "Entw&APw-rfe");
  CHECK(written([](Writer& w) { w.mailbox("A&B"); }) == "A&-B");
  CHECK(written([](Writer& w) { w.mailbox("A&\u00fc"); }, true) == "\"A&\u00fc\"");
}

TEST_CASE("No text makes a new response line", "[unit][imapd]") {
  CHECK(written([](Writer& w) { w.response("a1", Status::no, "CANNOT", "x\r\n* BYE\0"s); }) ==
        "a1 NO [CANNOT] x  * BYE \r\n");
  CHECK(written([](Writer& w) { w.response("", Status::bad, "", ""); }) == "* BAD -\r\n");
  CHECK(written([](Writer& w) { w.response("a", Status::ok, "", "[ALERT] x"); }) == "a OK  [ALERT] x\r\n");
  CHECK(written([](Writer& w) { w.continuation(); }) == "+ OK\r\n");
  CHECK(written([](Writer& w) { w.untagged_status(Status::bye, "", "late \xc3\xa4"); }) ==
        "* BYE late ??\r\n");
  CHECK(written([](Writer& w) { w.untagged_number(23, "EXISTS"); }) == "* 23 EXISTS\r\n");
}

TEST_CASE("FETCH items are parted by blanks whatever their octets", "[unit][imapd]") {
  const std::string line = written([](Writer& w) {
    const std::string keyword[] = {"$Junk"};
    w.begin_fetch(12)
        .item("FLAGS")
        .flags(kFlagSeen, keyword)
        .item("BODY[]")
        .literal("x(")
        .item("UID")
        .number(7);
    w.item("INTERNALDATE").date_time({0, 0}).end_fetch();
    w.begin_fetch(13).item("UID").number(8).end_fetch();
  });
  CHECK(line ==
        "* 12 FETCH (FLAGS (\\Seen $Junk) BODY[] {2}\r\nx( UID 7 INTERNALDATE \" 1-Jan-1970 00:00:00 "
        "+0000\")\r\n"
        "* 13 FETCH (UID 8)\r\n");
}
