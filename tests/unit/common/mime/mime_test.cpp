// Header values, addresses, dates, encodings, text, sections and the builder.
#include <catch2/catch.hpp>

#include "common/mime/address.h"
#include "common/mime/body_parts.h"
#include "common/mime/builder.h"
#include "common/mime/charset.h"
#include "common/mime/date.h"
#include "common/mime/encodings.h"
#include "common/mime/facts.h"
#include "common/mime/header.h"
#include "common/mime/section.h"
#include "common/mime/text.h"

using namespace dromos;
using namespace dromos::mime;

TEST_CASE("encoded words decode, and blanks between them vanish", "[unit][mime]") {
  CHECK(decode_words("=?utf-8?Q?a=C3=BC_b?= =?UTF-8?B?Yw==?= d") == "a\xC3\xBC bc d");
  CHECK(decode_words("=?iso-8859-1*de?q?=FC?=") == "\xC3\xBC");
  CHECK(decode_words("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=") == "テスト");
  CHECK(decode_words("=?utf-8?B?w?= =?utf-8?B?7w?=").size() > 0);
  CHECK(decode_words("=?nope =?x?Q") == "=?nope =?x?Q");
  CHECK(decode_text("a\r\n\tb") == "a b");
}

TEST_CASE("parameters join continuations and keep extended values encoded", "[unit][mime]") {
  const auto type = parse_content_type("text/PLAIN; charset=utf-8; name*0*=us-ascii'en'a%20; name*1=\"b c\"");
  CHECK(type.is("text", "plain"));
  CHECK(param_raw(type.params, "name*") == "us-ascii'en'a%20b%20c");
  CHECK(param_text(type.params, "name") == "a b c");
  CHECK(param_text(parse_disposition("attachment; filename=\"=?utf-8?Q?=C3=BC.txt?=\"")->params,
                   "filename") == "\xC3\xBC.txt");
  CHECK(parse_transfer_encoding("base64 (x)") == "base64");
  CHECK(!parse_transfer_encoding("base64 7bit"));
}

TEST_CASE("address lists keep groups, routes, comments and broken entries apart", "[unit][mime]") {
  const auto list = parse_address_list("\"A. B\" <@r,@s:a@b.c>, g: x@y (N), z;, u (k)");
  REQUIRE(list.size() == 6);
  CHECK(list[0].name == "A. B");
  CHECK(list[0].route == "@r,@s");
  CHECK(list[0].mailbox == "a");
  CHECK(list[0].host == "b.c");
  CHECK(list[1].kind == Address::Kind::group_begin);
  CHECK(list[2].name == "N");
  CHECK(list[3].host.empty());
  CHECK(list[4].kind == Address::Kind::group_end);
  CHECK(list[5].name == "k");
  CHECK(parse_address_list(std::string(50'000, '(')).empty());
  CHECK(email_addresses(format_address("M\xC3\xBCller, \"X\"", "a b@c")) ==
        std::vector<EmailAddress>{{"M\xC3\xBCller, \"X\"", "a b@c"}});
  CHECK(email_groups("a@b, g: c@d;").size() == 2);
}

TEST_CASE("dates are read in their obsolete forms", "[unit][mime]") {
  CHECK(parse_date("Sun, 22 Nov 2026 03:04:05 +0130")->epoch == 1795311245);
  CHECK(parse_date("22 Nov 26 03:04 EST (c)")->epoch == 1795334640);
  CHECK(parse_date("Sun Nov 22 03:04:05 2026")->epoch == 1795316645);
  CHECK(!parse_date("22 Nov 2026 03:04:05 -0000")->zone_known);
  CHECK(!parse_date("nonsense"));
  CHECK(!parse_date("32 Nov 2026 03:04:05 +0000"));
  CHECK(format_date(1795311245, 90) == "Sun, 22 Nov 2026 03:04:05 +0130");
  CHECK(format_rfc3339(*parse_date("Sun, 22 Nov 2026 03:04:05 +0130")) == "2026-11-22T03:04:05+01:30");
}

TEST_CASE("base subjects lose reply and forward marks", "[unit][mime]") {
  CHECK(base_subject("Re: [x] re[2]: Hello  World (fwd)").text == "Hello World");
  CHECK(base_subject("[fwd: Re: a]").text == "a");
  CHECK_FALSE(base_subject("Report").reply_or_forward);
  CHECK(base_subject("[only]").text == "[only]");
}

TEST_CASE("transfer encodings survive damage and round-trip", "[unit][mime]") {
  bool damaged = false;
  CHECK(decode(Encoding::base64, "aGVs\r\nbG8=", &damaged) == "hello");
  CHECK_FALSE(damaged);
  CHECK(decode(Encoding::base64, "aG*Vs", &damaged) == "hel");
  CHECK(damaged);
  CHECK(decode(Encoding::quoted_printable, "a=3Db =\r\nc  \r\nd=ZZ") == "a=b c\r\nd=ZZ");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(decode(Encoding::base64, encode_base64_lines(all)) == all);
  const std::string text = "From x\r\n.\r\ngr\xC3\xBC\xC3\x9F " + std::string(200, 'y') + " \r\n";
  CHECK(decode(Encoding::quoted_printable, encode_quoted_printable(text)) == text);
  CHECK(decode(Encoding::uuencode, "begin 644 x\n#0V%T\n`\nend\n") == "Cat");
}

TEST_CASE("HTML becomes text without markup, scripts and fillers", "[unit][mime]") {
  CHECK(html_to_text(
            "<html><head><title>t</title><style>p{}</style></head><body><p>a&nbsp;b &amp; &#x41;&eacute;</p>"
            "<script>if(a<b)</script><div>c<!-- x -->d</div><img src=x alt=\"pic\"></body>") ==
        "a b & A\xC3\xA9\ncd\npic");
  CHECK(html_to_text("1 < 2 <b") == "1 < 2");
  CHECK(html_to_text("<a href=\"x>y\">z</a>") == "z");
  for (const auto* name : {"&AElig;", "&yuml;", "&quot;", "&Uuml;", "&zwnj;", "&hellip;", "&nbsp;"})
    CHECK(html_to_text(name).find('&') == std::string::npos);
}

TEST_CASE("text in other charsets becomes clean UTF-8 and folds", "[unit][mime]") {
  CHECK(to_utf8("\xFC", "iso-8859-1") == "\xC3\xBC");
  CHECK(to_utf8("\x93x\x94", "windows-1252") == "\u201Cx\u201D");
  CHECK(to_utf8("\xFC", "no-such") == "\xC3\xBC");
  CHECK(to_utf8(std::string_view("a\0b", 3), "utf-8") == "a\uFFFDb");
  CHECK(fold_case("STRASSE \u00DF \u0130") == "strasse ss i\u0307");
  CHECK(from_utf8("\xC3\xBC", "iso-8859-2") == "\xFC");
}

TEST_CASE("a built message reads back with its parts, sections and search text", "[unit][mime]") {
  const std::string inner =
      Builder().subject("Inner").from({"", "i@example.test"}).body(text_entity("deep\r\n")).build();
  const std::string raw =
      Builder()
          .from({"Al\xC3\xAF"
                 "ce",
                 "alice@example.test"})
          .to({{"Bob", "bob@example.test"}})
          .subject(
              "Gr\xC3\xBC\xC3\x9F"
              "e")
          .date(1795316645)
          .message_id("1@example.test")
          .raw_header("References", "<a@b> <c@d>")
          .body(multipart("mixed",
                          {multipart("alternative", {text_entity("Plain text"), html_entity("<p>Html</p>")}),
                           attachment_entity("application/pdf", "\xC3\xBC.pdf", std::string(100, '\0')),
                           message_entity(inner)}))
          .build();
  const Facts facts = build_facts(raw);
  REQUIRE(facts.tree.parts.size() == 7);
  CHECK(facts.message_id == "1@example.test");
  CHECK(facts.references == std::vector<std::string>{"a@b", "c@d"});
  CHECK(facts.sent->epoch == 1795316645);
  CHECK(facts.preview == "Plain text");
  CHECK(facts.has_attachment);
  const BodyParts parts = body_parts(facts);
  CHECK(parts.text == std::vector<uint32_t>{2});
  CHECK(parts.html == std::vector<uint32_t>{3});
  CHECK(parts.attachments == std::vector<uint32_t>{4, 5});
  CHECK(facts.info[4].filename() == "\xC3\xBC.pdf");
  CHECK(decoded_part(raw, facts, 4) == std::string(100, '\0'));
  const auto bytes = [&](std::string_view spec) {
    return section_bytes(raw, facts.tree, *parse_section(spec));
  };
  CHECK(bytes("1.1") == "Plain text");
  CHECK(bytes("3") == inner);
  CHECK(bytes("3.1") == "deep\r\n");
  CHECK(bytes("3.HEADER.FIELDS (subject)") == "Subject: Inner\r\n\r\n");
  CHECK(bytes("3.TEXT") == "deep\r\n");
  CHECK(bytes("HEADER") == raw.substr(0, facts.tree.root().body_begin));
  CHECK(bytes("") == raw);
  CHECK(bytes("1.1.1") == std::nullopt);
  CHECK(bytes("2.HEADER") == std::nullopt);
  for (const auto* bad : {"0", "1.", "MIME", "1.x", "HEADER.FIELDS ()", "99999999999"})
    CHECK_FALSE(parse_section(bad));
  const std::string text = search_text(raw, facts);
  const SearchText halves = split_search_text(text);
  CHECK(search_header(halves.headers, "subject", fold_case("GR\xC3\x9C\xC3\x9F")));
  CHECK_FALSE(search_header(halves.headers, "to", "alice"));
  for (const auto* word : {"plain text", "html", "\xC3\xBC.pdf", "deep", "inner"})
    CHECK(halves.body.find(word) != std::string_view::npos);
  CHECK(FactsView::open(encode_facts(facts))->envelope() == facts.envelope);
}

TEST_CASE("Search text says when some of the message is not in it", "[unit][mime]") {
  const auto cut = [](const std::string& raw) {
    bool truncated = false;
    const std::string text = search_text(raw, build_facts(raw), &truncated);
    CHECK(text.size() <= kMaxSearchText);
    return truncated;
  };
  const std::string plain = "Subject: x\r\n\r\n", line(kMaxSearchText / 2, 'x');
  CHECK_FALSE(cut(plain + "body\r\n"));
  CHECK_FALSE(cut(plain + line));
  CHECK_FALSE(cut(plain + std::string(kMaxSearchText - 20, 'x')));
  CHECK(cut(plain + line + line));
  CHECK(cut("Subject: " + line + line + "\r\n\r\nx"));
  // Long markup with few words is whole up to kMaxHtml.
  const std::string html = "Content-Type: text/html\r\n\r\n";
  CHECK_FALSE(cut(html + "<p class='" + line + "'>word</p>"));
  CHECK(cut(html + "<p class='" + line + line + "'>word</p>"));
  // A part behind the end counts, though the text has room for less than it.
  const std::string first = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + line;
  CHECK_FALSE(cut(first + "\r\n--b\r\n\r\nsecond\r\n--b--\r\n"));
  CHECK(cut(first + line + "\r\n--b\r\n\r\nsecond\r\n--b--\r\n"));
  // Attachments are never in it and cut nothing.
  CHECK_FALSE(cut("Content-Type: application/pdf\r\n\r\n" + line + line));
}

TEST_CASE("a builder's values cannot smuggle header fields", "[unit][mime]") {
  const std::string raw = Builder().subject("a\r\nBcc: x@y").raw_header("X", "b\nEvil: 1\r\nToo: 2").build();
  CHECK_FALSE(find_field(raw, "Bcc"));
  CHECK_FALSE(find_field(raw, "Evil"));
  CHECK_FALSE(find_field(raw, "Too"));
}

TEST_CASE("an ordinary message gives the structure IMAP clients expect", "[unit][mime]") {
  const std::string raw =
      "From: A <a@b.c>\r\nSubject: s\r\nContent-Type: multipart/mixed; "
      "boundary=x\r\n\r\npre\r\n--x\r\n\r\none\r\ntwo\r\n"
      "--x\r\nContent-Type: image/png; name=p\r\nContent-Transfer-Encoding: "
      "base64\r\n\r\nAAAA\r\n--x--\r\nepi\r\n";
  const Facts facts = build_facts(raw);
  CHECK(facts.bodystructure ==
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 8 1 NIL NIL NIL NIL)"
        "(\"image\" \"png\" (\"name\" \"p\") NIL NIL \"base64\" 4 NIL NIL NIL NIL) \"mixed\" (\"boundary\" "
        "\"x\") NIL NIL NIL)");
  CHECK(facts.envelope ==
        "(NIL \"s\" ((\"A\" NIL \"a\" \"b.c\")) ((\"A\" NIL \"a\" \"b.c\")) ((\"A\" NIL \"a\" \"b.c\")) NIL "
        "NIL NIL NIL NIL)");
}

TEST_CASE("bombs stay within the limits", "[unit][mime]") {
  std::string many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (size_t i = 0; i < kMaxParts + 500; ++i) many += "--b\r\n\r\nx\r\n";
  CHECK(parse(many).parts.size() == kMaxParts);
  CHECK(decode_facts(encode_facts(build_facts(many))));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "Content-Type: message/rfc822\r\n\r\n";
  CHECK(parse(deep).parts.size() == kMaxNesting + 1);
  CHECK(parse(deep).parts.back().flags == kPartNestingLimit);
  std::string nested;
  for (int i = 0; i < 1000; ++i) {
    const std::string b = std::to_string(1000 + i);  // none a prefix of another
    nested += "Content-Type: multipart/mixed; boundary=b" + b + "\r\n\r\n--b" + b + "\r\n";
  }
  CHECK(parse(nested).parts.size() == kMaxNesting + 1);
  const Facts endless = build_facts("Subject: " + std::string(5 << 20, 'x'));
  CHECK(encode_facts(endless).size() < 1 << 20);
  CHECK(build_facts("Subject: " + std::string(1 << 20, '=') + "?").preview.empty());
  std::string words = "Subject: ";
  for (int i = 0; i < 20'000; ++i) words += "=?utf-8?Q?x";
  CHECK(decode_words(words).size() == words.size());
  for (const std::string& junk :
       {std::string(), std::string(1, '\1'), std::string(100, '\xff'), std::string("\1\1\0", 3)})
    CHECK_FALSE(decode_facts(junk));
}

TEST_CASE("every truncation of stored facts is refused", "[unit][mime]") {
  const std::string bytes = encode_facts(build_facts("Subject: a\r\nTo: b@c\r\n\r\nbody\r\n"));
  for (size_t i = 0; i < bytes.size(); ++i) CHECK_FALSE(decode_facts(std::string_view(bytes).substr(0, i)));
  CHECK_FALSE(decode_facts(bytes + "x"));
}

TEST_CASE("a multipart cut off in its header does not leave its delimiter behind", "[unit][mime]") {
  const std::string raw =
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n"
      "--a\r\n\r\nx\r\n--b\r\n\r\ny\r\n--a--\r\n";
  const PartTree tree = parse(raw);
  REQUIRE(tree.parts.size() == 3);
  CHECK(tree.parts[1].kind == PartKind::multipart);
  CHECK(tree.parts[1].child_count == 0);
  CHECK(raw.substr(tree.parts[2].body_begin, tree.parts[2].body_size()) == "x\r\n--b\r\n\r\ny");
}

TEST_CASE("facts know whether all lines end in CRLF and whether the header is ASCII", "[unit][mime]") {
  const auto view = [](const std::string& raw) {
    const std::string bytes = encode_facts(build_facts(raw));
    const auto opened = FactsView::open(bytes);
    CHECK(decode_facts(bytes)->has_crlf_lines == opened->has_crlf_lines());
    return std::pair(opened->has_crlf_lines(), opened->has_8bit_header());
  };
  CHECK(view("Subject: a\r\n\r\nb\r\n") == std::pair(true, false));
  CHECK(view("") == std::pair(true, false));
  CHECK(view("Subject: a\r\n\r\n\xc3\xbc\r\r\n") == std::pair(true, false));
  CHECK(view("Subject: a\r\n\r\nb") == std::pair(false, false));
  CHECK(view("Subject: a\r\n\r\nb\r") == std::pair(false, false));
  CHECK(view("Subject: a\r\n\r\nb\nc\r\n") == std::pair(false, false));
  CHECK(view("\n") == std::pair(false, false));
  CHECK(view("Subject: \xc3\xbc\r\n\r\n") == std::pair(true, true));
  CHECK(view("S\xc3\xbc: a\r\n\r\n") == std::pair(true, true));
  CHECK_FALSE(FactsView::open(encode_facts(minimal_facts("a\r\n")))->has_crlf_lines());
}
