#include "common/mime/collation.h"

#include <catch2/catch.hpp>

#include "common/base/utf8.h"
#include "common/mime/charset.h"
#include "common/mime/header.h"

using namespace dromos;
using namespace dromos::mime;

TEST_CASE("i;unicode-casemap: titlecase, then decomposed", "[unit][mime]") {
  CHECK(casemap_key("") == "");
  CHECK(casemap_key("Hello, world_") == "HELLO, WORLD_");
  CHECK(casemap_key("grün") == "GRU\xCC\x88N");
  CHECK(casemap_key("GRÜN") == casemap_key("gru\xCC\x88n"));
  CHECK(casemap_key("ﬁn") == "fiN");  // the ligature has no titlecase of its own
  CHECK(casemap_key("ＡＢｃ") == "ABC");
  CHECK(casemap_key("ſ") == "S");
  CHECK(casemap_key("ı") == "I");
  CHECK(casemap_key("ǆ") == casemap_key("Ǆ"));
  CHECK(casemap_key("straße") == "STRAßE");
  CHECK(casemap_key("ΣΑΣ") == casemap_key("σας"));
  CHECK(casemap_key("ёж") == casemap_key("ЁЖ"));
  CHECK(casemap_key("\xF0\x9D\x90\x80") == "A");  // mathematical bold A
  CHECK(casemap_key("\xF0\x9F\x98\x80") == "\xF0\x9F\x98\x80");
  CHECK(casemap_key("_") > casemap_key("a"));  // as octets of the titlecase
}

TEST_CASE("Bytes that are no UTF-8 give a key all the same", "[unit][mime]") {
  CHECK(casemap_key("a\xFF") == "A\xEF\xBF\xBD");
  CHECK(decompose_folded("\xC3") == "\xEF\xBF\xBD");
}

TEST_CASE("Folded text decomposes to what i;unicode-casemap compares", "[unit][mime]") {
  CHECK_FALSE(has_decompositions("plain ascii"));
  CHECK_FALSE(has_decompositions("日本語"));
  CHECK(has_decompositions("café"));
  CHECK(decompose_folded(fold_case("CAFÉ")) == decompose_folded(fold_case("cafe\xCC\x81")));
  CHECK(decompose_folded(fold_case("ＡＢＣ")) == "abc");
  CHECK(decompose_folded(fold_case("ıf")) == "if");
  CHECK(decompose_folded("abc") == "abc");
}

// Both sides go character by character, so this holds for all texts: what i;unicode-casemap finds, SEARCH
// finds.
TEST_CASE("Folding and decomposing tells no characters apart that i;unicode-casemap does not",
          "[unit][mime]") {
  for (char32_t c = 1; c <= 0x10FFFF; ++c) {
    if (!is_character(c)) continue;
    std::string text;
    append_utf8(text, c);
    const std::string ours = decompose_folded(fold_case(text));
    if (decompose_folded(fold_case(casemap_key(text))) != ours) {
      CAPTURE(static_cast<uint32_t>(c), text, ours, casemap_key(text));
      FAIL("not found by another form of it");
    }
  }
}

TEST_CASE("Base subject, each rule of RFC 5256 section 2.1", "[unit][mime]") {
  struct Case {
    const char* subject;
    const char* base;
    bool reply;
  };
  for (const Case& c : {Case{"", "", false},
                        {"Re:", "", true},
                        {"re: re: RE : fw: FWD: x", "x", true},
                        {"Re[4]: x", "x", true},
                        {"Re [list] : x", "x", true},
                        {"[list] x", "x", false},
                        {"[list] Re: [list] x", "x", true},
                        {"[a][b] re: x", "x", true},
                        {"[only]", "[only]", false},
                        {"[a] [only]", "[only]", false},
                        {"[a[b]] x", "[a[b]] x", false},
                        {"x (fwd)", "x", true},
                        {"x (FWD) (fwd)  ", "x", true},
                        {"[fwd: x]", "x", true},
                        {"[Fwd: [list] Re: x (fwd)]", "x", true},
                        {"[fwd: x", "[fwd: x", false},
                        {"a\t b   c", "a b c", false},
                        {"Rex: y", "Rex: y", false},
                        {"Report: z", "Report: z", false},
                        {"AW: x", "AW: x", false},
                        {"x [fwd: y]", "x [fwd: y]", false}}) {
    INFO(c.subject);
    CHECK(base_subject(c.subject).text == c.base);
    CHECK(base_subject(c.subject).reply_or_forward == c.reply);
  }
}

TEST_CASE("A needle is found wherever i;unicode-casemap says", "[unit][mime]") {
  const auto found = [](std::string_view text, std::string_view needle) {
    return CasemapNeedle(fold_case(needle)).in(fold_case(text));
  };
  CHECK(found("plain text", "TEXT"));
  CHECK_FALSE(found("plain text", "texts"));
  CHECK(found("", ""));
  CHECK(found("Café", "CAFE\xCC\x81"));
  CHECK(found("Cafe\xCC\x81", "CAFÉ"));
  CHECK(found(std::string(10'000, 'x') + "ＡＢＣ" + std::string(10'000, 'y'), "xabcy"));
  CHECK(found(std::string(10'000, 'x') + "é", "xe\xCC\x81"));
  CHECK_FALSE(found(std::string(10'000, 'x') + "é", "ye\xCC\x81"));
  CHECK(found("a…b", "a...b"));
  CHECK(found("ＡＡＡＡＡＡＡＡＢ", "aab"));
  CHECK_FALSE(found("naïve", "naive"));
  // Capitals that only decomposing shows.
  CHECK(found("Dromos™ is", "dromostm"));
  CHECK(found("№ 7", "no 7"));
  CHECK(found("\xF0\x9D\x90\x80 b", "a b"));
  CHECK(found("a b", "\xF0\x9D\x90\x80 B"));
  // More than it asks for: docs/decisions/0013-what-search-folds.md.
  CHECK(found("Straße", "STRASSE"));
  CHECK(casemap_key("Straße") != casemap_key("STRASSE"));
  // Around characters that decompose, at any distance.
  for (size_t gap = 0; gap < 60; ++gap) {
    const std::string text = "é" + std::string(gap, '-') + "öx";
    CHECK(found(text, "e\xCC\x81" + std::string(gap, '-') + "o\xCC\x88X"));
    CHECK_FALSE(found(text, "e\xCC\x81" + std::string(gap + 1, '-') + "o\xCC\x88"));
  }
}
