// What Dovecot and Cyrus say alike of odd messages, found by tests/golden: a case for each difference that
// was mended.
#include <catch2/catch.hpp>

#include "common/mime/address.h"
#include "common/mime/facts.h"
#include "common/mime/section.h"

using namespace dromos;
using namespace dromos::mime;

namespace {

std::string section(const std::string& raw, std::string_view spec) {
  const auto parsed = parse_section(spec);
  REQUIRE(parsed);
  return section_bytes(raw, parse(raw), *parsed).value_or("NIL");
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the part shown in a multipart without parts can be fetched and is empty", "[unit][mime]") {
  const std::string empty = "Content-Type: multipart/mixed; boundary=b\r\n\r\nno delimiter\r\n";
  CHECK(section(empty, "1") == "");
  CHECK(section(empty, "1.MIME") == "");
  CHECK(section(empty, "2") == "NIL");
  CHECK(section(empty, "1.1") == "NIL");
  CHECK(section(empty, "1.TEXT") == "NIL");
  const std::string embedded =
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n" + empty +
      "--a--\r\n";
  CHECK(section(embedded, "1.1") == "");
  CHECK(section(embedded, "1.2") == "NIL");
  const std::string full = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n";
  CHECK(section(full, "1") == "x");
  CHECK(section(full, "1.1") == "NIL");
}

TEST_CASE("the break behind a closing delimiter stays even where the outer delimiter follows",
          "[unit][mime]") {
  const std::string raw =
      "Content-Type: multipart/mixed; boundary=1\r\n\r\n--1\r\nContent-Type: multipart/mixed; "
      "boundary=2\r\n\r\n--2\r\n\r\nhi\r\n--2--\r\n--1\r\n\r\nx\r\n--1--";
  CHECK(section(raw, "1") == "--2\r\n\r\nhi\r\n--2--\r\n");
  CHECK(section(raw, "1.1") == "hi");
  CHECK(section(raw, "2") == "x");
}

TEST_CASE("a boundary that is empty still delimits", "[unit][mime]") {
  const std::string raw = "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nhi\r\n----\r\n";
  CHECK(parse(raw).root().child_count == 1);
  CHECK(section(raw, "1") == "hi");
  CHECK(section(raw, "1.MIME") == "\r\n");
}

TEST_CASE("a broken Content-Type is plain text", "[unit][mime]") {
  for (const char* value :
       {"multipart/mixed\r\n  Content-Type: text/plain", "text/html garbage; charset=utf-8", "te xt/html",
        "image", "image/", "/png", ""}) {
    CAPTURE(value);
    const Facts facts = build_facts("Content-Type: " + std::string(value) + "\r\n\r\n--\r\n\r\nhi\r\n");
    CHECK(facts.bodystructure ==
          "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 3 NIL NIL NIL NIL)");
  }
  CHECK(has(build_facts("Content-Type: Image/png (a picture) ; name=x\r\n\r\n").bodystructure,
            "\"Image\" \"png\""));
}

TEST_CASE("texts that are not for people lose line breaks when unfolded and nothing else", "[unit][mime]") {
  const Facts facts = build_facts(
      "Date: Thu,\r\n    13 Feb  1969 \r\nMessage-ID:\r\n\t<a@b> \r\nIn-Reply-To:   <a>  \r\n   <b>  \r\n"
      "Subject: a\r\n\t b  \r\nContent-Type: text/plain; x=\" a  \r\n \t b \"\r\n"
      "Content-Description:\r\n x\r\n\ty \r\nContent-Location:  x\r\n  y\r\n\r\n");
  CHECK(has(facts.envelope, "(\"Thu,    13 Feb  1969 \" \"a b\" "));
  CHECK(has(facts.envelope, "\"<a>     <b>  \" \"\t<a@b> \")"));
  CHECK(facts.message_id == "a@b");
  CHECK(facts.in_reply_to == std::vector<std::string>{"a", "b"});
  CHECK(has(facts.bodystructure, "(\"x\" \" a   \t b \""));
  CHECK(has(facts.bodystructure, "NIL \" x\ty \" \"7bit\""));
  CHECK(has(facts.bodystructure, "\"x  y\")"));
}

TEST_CASE("of several transfer encodings the last one holds", "[unit][mime]") {
  const std::string raw =
      "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Transfer-Encoding: not one\r\n\r\naGk=\r\n";
  const Facts facts = build_facts(raw);
  CHECK(has(facts.bodystructure, "\"base64\""));
  CHECK(decoded_part(raw, facts, 0).value_or("") == "hi");
}

TEST_CASE("a comment is a name only behind an address without brackets", "[unit][mime]") {
  const auto name = [](std::string_view list) {
    const AddressList parsed = parse_address_list(list);
    REQUIRE(parsed.size() == 1);
    CHECK(parsed[0].mailbox + "@" + parsed[0].host == "a@b");
    return parsed[0].has_name ? parsed[0].name : "NIL";
  };
  CHECK(name("a@b (c)") == "c");
  CHECK(name("(x) a@b (c)") == "c");
  CHECK(name("(x) a@b") == "NIL");
  CHECK(name("(x)a@b") == "NIL");
  CHECK(name("<a@b> (c)") == "NIL");
  CHECK(name("(x) <a@b>") == "NIL");
  CHECK(name("n <a@b> (c)") == "n");
}

TEST_CASE("a subject of a hundred thousand octets is shown whole", "[unit][mime]") {
  const std::string subject(100'000, 'a');
  CHECK(has(build_facts("Subject: " + subject + "\r\n\r\n").envelope, "\"" + subject + "\""));
}
