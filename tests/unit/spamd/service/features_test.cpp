#include "spamd/service/features.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "spamd/service/header_tokens.h"
#include "spamd/service/words.h"
#include "tests/unit/spamd/service/sample_mail.h"

using namespace dromos;
using namespace dromos::spamd;

namespace {

std::set<std::string> texts(const std::string& raw) {
  const Features features = extract(raw, {}, true);
  std::set<std::string> all;
  for (const Token token : features.tokens.tokens()) all.insert(features.tokens.text_of(token));
  return all;
}

std::set<std::string> rules(const std::string& raw, const Envelope& envelope = {}) {
  std::set<std::string> all;
  for (const RuleHit& hit : extract(raw, envelope).rules) all.insert(std::string(hit.rule->name));
  return all;
}

std::set<std::string> words(const std::string& text) {
  TokenSet tokens(true);
  add_words(tokens, text, {.window = 0});
  std::set<std::string> all;
  for (const Token token : tokens.tokens()) all.insert(tokens.text_of(token));
  return all;
}

const std::string kHead =
    "From: A <a@one.example>\r\nTo: b@two.example\r\nSubject: hello\r\nDate: Tue, 10 Mar 2026 10:00:00 "
    "+0100\r\n"
    "Message-ID: <1@one.example>\r\n";

}  // namespace

TEST_CASE("The same bytes give the same tokens in the same order", "[unit][spamd]") {
  const std::string raw = sample::spam(3);
  REQUIRE(extract(raw, {}).tokens.tokens() == extract(raw, {}, true).tokens.tokens());
}

TEST_CASE("Line ends of either kind give the same tokens", "[unit][spamd]") {
  const std::string crlf = sample::spam(3);
  std::string lf = crlf;
  lf.erase(std::remove(lf.begin(), lf.end(), '\r'), lf.end());
  REQUIRE(extract(crlf, {}).tokens.tokens() == extract(lf, {}).tokens.tokens());
}

TEST_CASE("What receiving servers add is no token", "[unit][spamd]") {
  const std::string body = "\r\nbody of the message\r\n";
  const std::string added =
      "Return-Path: <x@three.example>\r\nDelivered-To: b@two.example\r\nReceived: from x (x "
      "[192.0.2.1])\r\n\tby mx.two.example; "
      "Tue, 10 Mar 2026 10:00:01 +0100\r\nX-Spam-Flag: YES\r\nStatus: RO\r\n";
  REQUIRE(texts(kHead + body) == texts(added + kHead + body));
}

TEST_CASE("The recipient's address is no token", "[unit][spamd]") {
  for (const std::string& text : texts(kHead + "\r\nx\r\n"))
    REQUIRE(text.find("two.example") == std::string::npos);
}

TEST_CASE("Words are lower-cased, numbers and random strings become shapes", "[unit][spamd]") {
  REQUIRE(words("Hello hello") == std::set<std::string>{"hello"});
  REQUIRE(words("FREE") == std::set<std::string>{"^free", "free"});
  REQUIRE(words("\xc3\x84RGER \xd0\x9f\xd1\x80\xd0\xb8") ==
          std::set<std::string>{"\xc3\xa4rger", "\xd0\xbf\xd1\x80\xd0\xb8"});
  REQUIRE(words("1234567") == std::set<std::string>{"#7"});
  REQUIRE(words("don't stop-it'") == std::set<std::string>{"don't", "stop-it"});
  REQUIRE(words("a1b2c3d4e5f6a7b8") == std::set<std::string>{"~2"});
  REQUIRE(words("$$$ win!!") == std::set<std::string>{"$", "$$", "!!", "win"});
}

TEST_CASE("Chinese text becomes pairs of characters", "[unit][spamd]") {
  REQUIRE(words("\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97") ==
          std::set<std::string>{"\xe4\xbd\xa0\xe5\xa5\xbd", "\xe5\xa5\xbd\xe5\x90\x97"});
}

TEST_CASE("Invisible characters inside words are skipped and counted", "[unit][spamd]") {
  TokenSet tokens(true);
  const WordStats stats = add_words(tokens, "via\xe2\x80\x8bgra", {.window = 0});
  REQUIRE(stats.zero_width == 1);
  REQUIRE(tokens.text_of(tokens.tokens().front()) == "viagra");
}

TEST_CASE("Pairs join words at most two apart", "[unit][spamd]") {
  const auto all = texts(kHead + "\r\nred green blue black\r\n");
  REQUIRE(all.count("red green") == 1);
  REQUIRE(all.count("red ... blue") == 1);
  REQUIRE(all.count("red ... black") == 0);
}

TEST_CASE("Shapes keep the form of identifiers", "[unit][spamd]") {
  REQUIRE(shape_of("20260310.AB12cd") == "9.A9a");
  REQUIRE(shape_of(std::string(500, '.')).size() == 40);
}

TEST_CASE("Header rules fire on what they name and not on an ordinary message", "[unit][spamd]") {
  REQUIRE(rules(kHead + "\r\nan ordinary text\r\n").empty());
  REQUIRE(rules("Subject: x\r\n\r\nx\r\n").count("DATE_MISSING") == 1);
  REQUIRE(rules("Subject: x\r\n\r\nx\r\n").count("FROM_MISSING") == 1);
  REQUIRE(rules("Date: gestern\r\n\r\nx\r\n").count("DATE_INVALID") == 1);
  REQUIRE(rules("Message-ID: 17\r\n\r\nx\r\n").count("MESSAGE_ID_ODD") == 1);
  REQUIRE(rules("Subject: BUY IT NOW\r\n\r\nx\r\n").count("SUBJECT_ALL_CAPS") == 1);
  REQUIRE(
      rules("From: a@one.example\r\nReply-To: a@other.example\r\n\r\nx\r\n").count("REPLY_TO_ELSEWHERE") ==
      1);
  REQUIRE(
      rules("From: a@mail.one.example\r\nReply-To: a@one.example\r\n\r\nx\r\n").count("REPLY_TO_ELSEWHERE") ==
      0);
  REQUIRE(rules("From: \"pay@bank.example\" <a@one.example>\r\n\r\nx\r\n").count("FROM_NAME_OTHER_ADDRESS") ==
          1);
  REQUIRE(rules("Subject: Re: x\r\n\r\nx\r\n").count("SUBJECT_FAKE_REPLY") == 1);
  REQUIRE(rules("Subject: =?utf-8?B?aGVsbG8=?=\r\n\r\nx\r\n").count("HEADER_NEEDLESSLY_ENCODED") == 1);
}

TEST_CASE("Old dates are no fact", "[unit][spamd]") {
  std::string old = kHead;
  old.replace(old.find("2026"), 4, "2002");
  REQUIRE(rules(old + "\r\nan ordinary text\r\n").empty());
}

TEST_CASE("Content rules see through encoding and markup", "[unit][spamd]") {
  const std::string html = kHead + "Content-Type: text/html\r\n\r\n";
  REQUIRE(rules(html + "<p>hi</p>").count("HTML_ONLY") == 1);
  REQUIRE(rules(html + "<a href='http://192.0.2.7/x'>x</a>").count("LINK_IP") == 1);
  REQUIRE(rules(html + "<a href=\"http://evil.example/\">https://bank.example/</a>").count("LINK_MISMATCH") ==
          1);
  REQUIRE(rules(html + "<a href=\"https://www.bank.example/\">https://bank.example/</a>")
              .count("LINK_MISMATCH") == 0);
  REQUIRE(
      rules(html + "<div style=\"DISPLAY: none\">" + std::string(300, 'x') + "</div>").count("TEXT_HIDDEN") ==
      1);
  REQUIRE(rules(html + "<form action=x>").count("HTML_FORM") == 1);
  REQUIRE(rules(kHead + "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n").count("TEXT_BASE64") == 1);
  REQUIRE(rules(kHead + "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; "
                        "filename=\"invoice.pdf.exe\"\r\n\r\nMZ\r\n")
              .count("ATTACHMENT_RISKY") == 1);
}

TEST_CASE("Envelope rules need an envelope", "[unit][spamd]") {
  Envelope envelope;
  envelope.helo = "192.0.2.1";
  envelope.client_ip = "192.0.2.1";
  REQUIRE(rules(kHead + "\r\nx", envelope).count("HELO_IP") == 1);
  REQUIRE(rules(kHead + "\r\nx", envelope).count("CLIENT_NO_NAME") == 1);
  envelope.auth_user = "alice";
  REQUIRE(rules(kHead + "\r\nx", envelope).count("AUTHENTICATED") == 1);
  REQUIRE(rules(kHead + "\r\nx", envelope).count("CLIENT_NO_NAME") == 0);
}

TEST_CASE("Rule names are distinct", "[unit][spamd]") {
  std::set<std::string_view> names;
  for (const Rule& rule : all_rules()) REQUIRE(names.insert(rule.name).second);
  REQUIRE(find_rule("HTML_ONLY") != nullptr);
  REQUIRE(find_rule("NO_SUCH_RULE") == nullptr);
}

TEST_CASE("Tokens of one message are bounded, and a flood of one kind leaves room for others",
          "[unit][spamd]") {
  std::string flood = kHead + "\r\n";
  for (int i = 0; i < 20000; ++i) flood += "w" + std::to_string(i) + "x ";
  const Features features = extract(flood, {});
  REQUIRE(features.tokens.tokens().size() <= TokenSet::kMaxTokens);
  REQUIRE(features.tokens.full(Group::word));
  REQUIRE(features.tokens.count_of(Group::sender) > 0);
}

TEST_CASE("Hostile mail gives bounded features", "[unit][spamd]") {
  std::string deep = kHead;
  for (int i = 0; i < 300; ++i) {
    const std::string b = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n";
  }
  const std::string html = kHead + "Content-Type: text/html\r\n\r\n";
  std::string tags, divs, entities, quotes, www;
  for (int i = 0; i < 30000; ++i) {
    tags += "<";
    divs += "<div style='display:none'>";
    entities += "&#x;&#99999999999;&";
    quotes += "<a href=\"";
    www += "@www.";
  }
  std::vector<std::string> cases = {
      "",
      "\r\n",
      std::string(1000, '\0'),
      std::string(5000, ':'),
      "From: " + std::string(100000, '<') + "\r\n\r\n",
      "From: " + std::string(100000, '(') + "\r\n\r\n",
      "Subject: " + std::string(100000, '=') + "?utf-8?q?" + std::string(1000, '=') + "\r\n\r\n",
      std::string("\xff\xfe\xc3\n\n\xe2\x80", 7),
      deep,
      html + tags,
      html + divs + "x",
      html + entities,
      html + quotes,
      html + "<style>" + std::string(10000, '<'),
      html + "<!--",
      kHead + "\r\n" + www};
  for (const std::string& raw : cases) {
    const Features features = extract(raw, {}, true);
    REQUIRE(features.tokens.tokens().size() <= TokenSet::kMaxTokens);
    for (const RuleHit& hit : features.rules) REQUIRE(hit.detail.size() <= kMaxDetail);
  }
}

TEST_CASE("Every prefix of a message can be scanned", "[unit][spamd]") {
  const std::string raw = sample::spam(1);
  for (size_t length = 0; length <= raw.size(); ++length) {
    REQUIRE(extract(std::string_view(raw).substr(0, length), {}).tokens.tokens().size() <=
            TokenSet::kMaxTokens);
  }
}
