#include "imapd/protocol/imap_url.h"

#include <catch2/catch.hpp>

using namespace dromos;
using namespace dromos::imapd;

TEST_CASE("a URL names mailbox, message, part and octets", "[unit][imapd]") {
  const auto url =
      parse_imap_url("/Dr%C3%A4fts/x%20y;UIDVALIDITY=385759045/;UID=20/;section=1.MIME/;PARTIAL=5.10");
  REQUIRE(url);
  REQUIRE(url->server.empty());
  REQUIRE(url->mailbox ==
          "Dr\xc3\xa4"
          "fts/x y");
  REQUIRE(url->uidvalidity == 385759045u);
  REQUIRE(url->uid == 20);
  REQUIRE(url->section == "1.MIME");
  REQUIRE(url->partial == std::pair<uint64_t, uint64_t>{5, 10});
  REQUIRE_FALSE(url->auth);
  REQUIRE(parse_imap_url(";UID=7")->mailbox.empty());
  REQUIRE(parse_imap_url("Drafts/;UID=7")->mailbox == "Drafts");
}

TEST_CASE("URLAUTH gives expiry, access, mechanism and token, and the rump that was signed",
          "[unit][imapd]") {
  const std::string rump =
      "imap://joe%40example.com@Mail.example.com:143/INBOX/;uid=20/"
      ";section=1.2;expire=2006-12-31T23:59:59-08:00;urlauth=submit+fred";
  const auto url = parse_imap_url(rump + ":internal:91354a473744909de610943775f92038");
  REQUIRE(url);
  REQUIRE(url->user == "joe@example.com");
  REQUIRE(url->server == "mail.example.com:143");
  REQUIRE(url->rump == rump);
  REQUIRE(url->auth->expires_us == 1167638399'000'000);
  REQUIRE(url->auth->access == UrlAuth::Access::submit);
  REQUIRE(url->auth->access_user == "fred");
  REQUIRE(url->auth->mechanism == "INTERNAL");
  REQUIRE(url->auth->token.size() == 16);
  const auto bare = parse_imap_url("imap://j@h/INBOX/;uid=1;urlauth=anonymous");
  REQUIRE(bare);
  REQUIRE(bare->auth->mechanism.empty());
  REQUIRE(
      parse_imap_url("imap://j;AUTH=*@h/INBOX/;uid=1;expire=2026-01-01T00:00:00Z;urlauth=authuser")->user ==
      "j");
}

TEST_CASE("what is no such URL is refused", "[unit][imapd]") {
  for (const char* text : {"",
                           "/",
                           "/INBOX",
                           "http://h/INBOX/;UID=1",
                           "imap://",
                           "imap://h",
                           "imap:///INBOX/;UID=1",
                           "/INBOX/;UID=0",
                           "/INBOX/;UID=x",
                           "/INBOX/;UID=4294967296",
                           "/INBOX/;UID=1/;SECTION=",
                           "/INBOX/;UID=1/;PARTIAL=1.0",
                           "/INBOX/;UID=1/;PARTIAL=",
                           "/IN%BOX/;UID=1",
                           "/IN%ffBOX/;UID=1",
                           "/IN%0dBOX/;UID=1",
                           "/INBOX;UIDVALIDITY=0/;UID=1",
                           "/INBOX/;UID=1junk",
                           "/IN BOX/;UID=1",
                           "//;UID=1",
                           "/IN\"BOX/;UID=1",
                           "/IN\\BOX/;UID=1",
                           "/INBOX/;UID=1;URLAUTH=user+\"",
                           "/INBOX?SUBJECT%20x/;UID=1",
                           "/INBOX;X=1/;UID=1",
                           "/INBOX/;UID=1;URLAUTH=everyone",
                           "/INBOX/;UID=1;URLAUTH=user+",
                           "/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:123",
                           "/INBOX/;UID=1;EXPIRE=yesterday;URLAUTH=anonymous",
                           "/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:zz354a473744909de610943775f92038"}) {
    INFO(text);
    REQUIRE_FALSE(parse_imap_url(text));
  }
  REQUIRE_FALSE(parse_imap_url("/" + std::string(kMaxImapUrl, 'a') + "/;UID=1"));
}
