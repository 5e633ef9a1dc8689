#include "jmapd/service/snippet.h"

#include <catch2/catch.hpp>

#include "common/base/strings.h"

using namespace dromos;
using namespace dromos::jmapd;

TEST_CASE("Every match is marked and everything else is escaped", "[unit][jmapd]") {
  CHECK(mark_all("a <b> & \"c\" 'd'", {"b"}) == "a &lt;<mark>b</mark>&gt; &amp; &quot;c&quot; &#39;d&#39;");
  CHECK(mark_all("One one ONE", {"one"}) == "<mark>One</mark> <mark>one</mark> <mark>ONE</mark>");
  CHECK(mark_all("abcd", {"ab", "bc"}) == "<mark>abc</mark>d");
  CHECK_FALSE(mark_all("abc", {"x"}).has_value());
  CHECK_FALSE(mark_all("abc", {}).has_value());
  CHECK_FALSE(mark_all("", {"x"}).has_value());
}

TEST_CASE("Marks stand between characters also where folding changes lengths", "[unit][jmapd]") {
  CHECK(mark_all("Stra\u00dfe.", {"strasse"}) == "<mark>Stra\u00dfe</mark>.");
  CHECK(mark_all("Gru\u00dfwort", {"grus"}) == "<mark>Gru\u00df</mark>wort");
  CHECK(mark_all("\u00c4PFEL", {"\u00e4pfel"}) == "<mark>\u00c4PFEL</mark>");
  CHECK(mark_all("\u65e5\u672c\u8a9e", {"\u672c"}) == "\u65e5<mark>\u672c</mark>\u8a9e");
}

TEST_CASE("A snippet is one line of bounded length around the first match", "[unit][jmapd]") {
  std::string before, after;
  for (int i = 0; i < 200; ++i) before += "before\r\n\t", after += " \u00e4fter&";
  const auto made = mark_around(before + "the needle" + after, {"needle"});
  REQUIRE(made);
  CHECK(made->size() <= kMaxSnippet);
  CHECK(made->size() > kMaxSnippet - 10);
  CHECK(made->find("before the <mark>needle</mark> \u00e4fter&amp;") != std::string::npos);
  CHECK(made->find_first_of("\r\n\t") == std::string::npos);
  CHECK(clean_utf8(*made) == *made);
  CHECK(mark_around("needle", {"needle"}) == "<mark>needle</mark>");
  CHECK_FALSE(mark_around(before, {"needle"}).has_value());
}

TEST_CASE("However long the match, the snippet is not longer than allowed", "[unit][jmapd]") {
  for (const size_t length : {200u, 240u, 250u, 300u, 5000u}) {
    const std::string word(length, 'q'), tags(length, '<');
    for (const std::string& one : {word, tags}) {
      const auto made = mark_around("x " + one + " y", {one});
      REQUIRE(made);
      CHECK(made->size() <= kMaxSnippet);
    }
    const auto alone = mark_around(word, {word});
    REQUIRE(alone);
    CHECK(alone->size() <= kMaxSnippet);
    CHECK(alone->starts_with("<mark>q"));
    CHECK(alone->find("</mark>") != std::string::npos);
  }
}
