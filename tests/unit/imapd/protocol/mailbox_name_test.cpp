#include "imapd/protocol/mailbox_name.h"

#include <catch2/catch.hpp>

using namespace dromos::imapd;

TEST_CASE("Modified UTF-7 follows RFC 3501 section 5.1.3", "[unit][imapd]") {
  const std::pair<const char*, const char*> pairs[] = {
      {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e"},
      {"Entw&APw-rfe", "Entw\u00fcrfe"},
      {"a&-b", "a&b"},
      {"&-&AOQ-&-", "&\u00e4&"},
      {"&2D3eAA-", "\U0001f600"},
      {"", ""},
  };
  for (const auto& [utf7, utf8] : pairs) {
    CHECK(utf7_to_utf8(utf7) == std::optional<std::string>(utf8));
    CHECK(utf8_to_utf7(utf8) == utf7);
  }
}

TEST_CASE("A name has one spelling in modified UTF-7", "[unit][imapd]") {
  for (const char* bad : {"&", "&A", "&AGE-", "&Jjo!", "&U,BTFw-&ZeVnLIqe-", "&2D0-", "&3gA-", "&AOR-",
                          "&AOQA-", "&AOQ", "\xc3\xa4", "a\x01", "&AO/-", "&AOQ=-"})
    CHECK_FALSE(utf7_to_utf8(bad));
}

TEST_CASE("Names are decoded, normalised and checked", "[unit][imapd]") {
  CHECK(mailbox_from_wire("inbox", false).value() == "INBOX");
  CHECK(mailbox_from_wire("iNbOx/Sub", false).value() == "INBOX/Sub");
  CHECK(mailbox_from_wire("inboxes", false).value() == "inboxes");
  CHECK(mailbox_from_wire("foo/", false).value() == "foo");
  CHECK(mailbox_from_wire("Entw&APw-rfe", false).value() == "Entw\u00fcrfe");
  CHECK(mailbox_from_wire("A&B", true).value() == "A&B");
  CHECK(mailbox_from_wire("u\u0308", true).value() == "\u00fc");  // NFC
  CHECK(mailbox_from_wire("u&Awg-", false).value() == "\u00fc");  // in UTF-7, too
  CHECK(mailbox_to_wire("A&\u00fc", false) == "A&-&APw-");
  CHECK(mailbox_to_wire("A&\u00fc", true) == "A&\u00fc");
}

TEST_CASE("Names that no store should hold are refused with a reason", "[unit][imapd]") {
  struct Case {
    std::string wire;
    bool utf8;
    const char* reason;
  };
  const Case cases[] = {
      {"", false, "Mailbox name is empty"},
      {"/", false, "Mailbox name has an empty level"},
      {"a//b", false, "Mailbox name has an empty level"},
      {"/a", false, "Mailbox name has an empty level"},
      {"a&AAE-", false, "Mailbox name contains a control character"},
      {"a\x7f", true, "Mailbox name contains a control character"},
      {"a\u0085", true, "Mailbox name contains a control character"},
      {"a\u2028", true, "Mailbox name contains a control character"},
      {"a\r\nb", true, "Mailbox name contains a control character"},
      {"\xff", true, "Mailbox name is not valid UTF-8"},
      {"\u00fc", false, "Mailbox name is not valid modified UTF-7"},
      {"../x", false, "\".\" and \"..\" are no names for a mailbox"},
      {std::string(kMaxMailboxComponent + 1, 'a'), false, "A level of the mailbox name is too long"},
      {std::string(100'000, 'a'), false, "Mailbox name is too long"},
  };
  for (const Case& c : cases) {
    const auto name = mailbox_from_wire(c.wire, c.utf8);
    REQUIRE_FALSE(name);
    CHECK(name.error().message() == c.reason);
  }
  std::string deep = "a";
  for (size_t i = 1; i < kMaxMailboxDepth; ++i) deep += "/a";
  CHECK(mailbox_from_wire(deep, false));
  CHECK(mailbox_from_wire(deep + "/a", false).error().message() == "Mailbox name has too many levels");
}

TEST_CASE("Every UTF-8 name survives the way to the wire and back", "[unit][imapd]") {
  for (const char* name : {"&&&", "a\u00e4b\u00f6&\u20ac\U0001f600x", "\u65e5\u672c\u8a9e", "-&-", "\u00e4-"})
    CHECK(utf7_to_utf8(utf8_to_utf7(name)) == std::optional<std::string>(name));
}
