#include "common/smtp/address.h"

#include <catch2/catch.hpp>

using namespace dromos;
using smtp::parse_mailbox;

TEST_CASE("mailboxes are stored unquoted, with lower-case A-label domains", "[unit][smtp]") {
  struct Case {
    const char *text, *local, *domain, *wire;
  };
  const Case cases[] = {
      {"alice@example.test", "alice", "example.test", "alice@example.test"},
      {"Alice@EXAMPLE.Test", "Alice", "example.test", "Alice@example.test"},
      {"\"a b\"@c.test", "a b", "c.test", "\"a b\"@c.test"},
      {"\"plain\"@c.test", "plain", "c.test", "plain@c.test"},
      {R"("a\@b"@c.test)", "a@b", "c.test", "\"a@b\"@c.test"},
      {R"("q\"\\x"@c.test)", "q\"\\x", "c.test", R"("q\"\\x"@c.test)"},
      {"\"a..b\"@c.test", "a..b", "c.test", "\"a..b\"@c.test"},
      {"\"\"@c.test", "", "c.test", "\"\"@c.test"},
      {"a@[127.0.0.1]", "a", "[127.0.0.1]", "a@[127.0.0.1]"},
      {"a@[IPv6:2001:DB8:0::1]", "a", "[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"},
      {"|/bin/sh@d.test", "|/bin/sh", "d.test", "|/bin/sh@d.test"},
      {"a%b!c@d.test", "a%b!c", "d.test", "a%b!c@d.test"},
      {"a@b", "a", "b", "a@b"},
      {"\xC3\xBC@b\xC3\xBC"
       "cher.test",
       "\xC3\xBC", "xn--bcher-kva.test", "\xC3\xBC@xn--bcher-kva.test"},
      {"u@B\xC3\x9C"
       "CHER.test",
       "u", "xn--bcher-kva.test", "u@xn--bcher-kva.test"},
      {"u@XN--BCHER-KVA.test", "u", "xn--bcher-kva.test", "u@xn--bcher-kva.test"},
      {"u@fa\xC3\x9F.test", "u", "xn--fa-hia.test", "u@xn--fa-hia.test"},  // IDNA 2008 keeps sharp s
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const auto mailbox = parse_mailbox(c.text);
    REQUIRE(mailbox);
    CHECK(mailbox->local == c.local);
    CHECK(mailbox->domain == c.domain);
    CHECK(mailbox->to_string() == c.wire);
    const auto again = parse_mailbox(mailbox->to_string());
    REQUIRE(again);
    CHECK(*again == *mailbox);
  }
}

TEST_CASE("what is no mailbox is refused", "[unit][smtp]") {
  const std::string_view cases[] = {
      "",
      "a",
      "@b.test",
      "a@",
      "a@@b.test",
      "a@b@c.test",
      ".a@b.test",
      "a.@b.test",
      "a..b@c.test",
      "a b@c.test",
      "a@b..test",
      "a@.test",
      "a@b.test.",
      "a@-b.test",
      "a@b-.test",
      "a@b_c.test",
      "a@b.test ",
      "a@b c",
      "a@[127.0.0.1",
      "a@[]",
      "a@[300.1.1.1]",
      "a@[127.1]",
      "a@[IPv6:zz]",
      "a@[x-tag:abc]",
      "a@127.0.0.1",
      "a@1",
      "\"a@b.test",
      "\"a\"b@c.test",
      "\"a\\",
      "\"a\x01\"@b.test",
      "a\x7F@b.test",
      "a<@b.test",
      "a>b@c.test",
      "a@b>c",
      "a,b@c.test",
      "a@xn--a.test",
      "a@xn--\x80.test",
      "\xFF@b.test",
      "a@\xFF.test",
      "\xC3\xBC\"@b.test",
      std::string_view("a\0b@c.test", 10),
      std::string_view("a@b\0c.test", 10),
      "a@b\xE2\x80\x8B.test\xEF\xBC\xA0x",  // full-width @
  };
  for (const std::string_view text : cases) {
    INFO(std::string(text));
    const auto mailbox = parse_mailbox(text);
    REQUIRE_FALSE(mailbox);
    CHECK(mailbox.error().is(smtp::Errc::bad_address));
    CHECK_FALSE(mailbox.error().message().empty());
  }
}

TEST_CASE("lengths of RFC 5321 §4.5.3.1 are limits, the last octet included", "[unit][smtp]") {
  const auto forward = [](const std::string& address) {
    const std::string path = "<" + address + ">";
    std::string_view text = path;
    return static_cast<bool>(smtp::take_forward_path(text));
  };
  REQUIRE(forward(std::string(64, 'a') + "@b.test"));
  REQUIRE_FALSE(forward(std::string(65, 'a') + "@b.test"));
  REQUIRE(parse_mailbox(std::string(128, 'a') + "@b.test"));
  REQUIRE_FALSE(parse_mailbox(std::string(129, 'a') + "@b.test"));

  const std::string label = std::string(63, 'b') + ".";
  REQUIRE(smtp::canonical_domain(label + "test"));
  REQUIRE_FALSE(smtp::canonical_domain("b" + label + "test"));
  const std::string d255 = label + label + label + std::string(63, 'c');
  REQUIRE(d255.size() == 255);
  REQUIRE(smtp::canonical_domain(d255));
  REQUIRE_FALSE(smtp::canonical_domain(d255 + "c"));
  REQUIRE_FALSE(smtp::canonical_domain(label + label + label + label + "c"));

  const std::string d252 = label + label + label + std::string(60, 'c');
  REQUIRE(forward("a@" + d252));         // 254 and two brackets: 256
  REQUIRE_FALSE(forward("aa@" + d252));  // 257
  REQUIRE_FALSE(parse_mailbox("aa@" + d252));
  REQUIRE_FALSE(parse_mailbox("a@" + std::string(100000, '.')));
  REQUIRE_FALSE(parse_mailbox("\"" + std::string(100000, 'a') + "\"@b.test"));
}

TEST_CASE("paths take what is theirs and leave the parameters", "[unit][smtp]") {
  std::string_view text = "<> SIZE=1";
  auto reverse = smtp::take_reverse_path(text);
  REQUIRE(reverse);
  REQUIRE_FALSE(reverse->has_value());
  REQUIRE(text == " SIZE=1");

  text = "<@x.test,@y.test:c@d.test>";
  auto forward = smtp::take_forward_path(text);
  REQUIRE(forward);
  REQUIRE(forward->to_string() == "c@d.test");
  REQUIRE(text.empty());

  text = "<PostMaster> NOTIFY=NEVER";
  forward = smtp::take_forward_path(text);
  REQUIRE(forward);
  REQUIRE(forward->is_bare_postmaster());
  REQUIRE(forward->local_key() == "postmaster");
  REQUIRE(text == " NOTIFY=NEVER");

  text = "<\"a>b\"@c.test>";
  forward = smtp::take_forward_path(text);
  REQUIRE(forward);
  REQUIRE(forward->local == "a>b");

  for (const char* bad :
       {"a@b.test", "<a@b.test", "a@b.test>", "<a@b.test>>x", "<@x.test:>", "<@x.test c@d.test>",
        "<x.test:c@d.test>", "<@x.test,y.test:c@d.test>", "<<a@b.test>>", "< a@b.test>", "<a@b.test >"}) {
    INFO(bad);
    text = bad;
    const auto path = smtp::take_forward_path(text);
    if (std::string_view(bad) == "<a@b.test>>x") {
      REQUIRE(path);
      REQUIRE(text == ">x");
    } else {
      REQUIRE_FALSE(path);
      REQUIRE(text == bad);
    }
  }
  text = "<>";
  REQUIRE_FALSE(smtp::take_forward_path(text));
  text = "<postmaster>";
  REQUIRE_FALSE(smtp::take_reverse_path(text));
}

TEST_CASE("mailboxes compare without case and in NFC", "[unit][smtp]") {
  const auto key = [](std::string_view text) { return parse_mailbox(text).value().key(); };
  REQUIRE(key("Alice@Example.TEST") == key("\"alice\"@example.test"));
  REQUIRE(key("\xC3\x9C@a.test") == key("\xC3\xBC@a.test"));
  REQUIRE(key("u\xCC\x88@a.test") == key("\xC3\xBC@a.test"));
  REQUIRE(key("a@a.test") != key("b@a.test"));
  REQUIRE(parse_mailbox("\xC3\xBC@a.test")->needs_smtputf8());
  REQUIRE_FALSE(parse_mailbox("a@\xC3\xBC.test")->needs_smtputf8());
  REQUIRE(parse_mailbox("a@\xC3\xBC.test")->given_non_ascii());
  REQUIRE(parse_mailbox("a@\xC3\xBC.test")->shown() == "a@\xC3\xBC.test");
  REQUIRE(smtp::domain_for_display("xn--bcher-kva.test") ==
          "b\xC3\xBC"
          "cher.test");
  REQUIRE(smtp::domain_for_display("example.test") == "example.test");
}

TEST_CASE("subaddresses split at the first plus that leaves a user", "[unit][smtp]") {
  REQUIRE(smtp::split_subaddress("bob+lists").user == "bob");
  REQUIRE(smtp::split_subaddress("bob+lists").detail == "lists");
  REQUIRE(smtp::split_subaddress("bob+a+b").detail == "a+b");
  REQUIRE(smtp::split_subaddress("bob+").detail == "");
  REQUIRE(smtp::split_subaddress("bob").detail == std::nullopt);
  REQUIRE(smtp::split_subaddress("+bob").detail == std::nullopt);
  REQUIRE(smtp::split_subaddress("").user == "");
  REQUIRE(smtp::split_subaddress("bob-x", '-').detail == "x");
}
