#include "common/store/word_text.h"

#include <catch2/catch.hpp>

namespace dromos::store {

TEST_CASE("Words are letters and digits, whatever stands between them", "[unit][store]") {
  const WordText text =
      word_text("see https://www.example.org/a?b=1, or mail o'neil@example.org -5 «naïve»… straße", 10'000);
  CHECK(text.words == "see https www example org a b 1 or mail o neil 5 naïve straße");
  CHECK(text.bigrams.empty());
}

TEST_CASE("A word stands once, however often it comes", "[unit][store]") {
  CHECK(word_text("b a b ba a\u00ADb ab. b", 1000).words == "b a ba ab");
  CHECK(word_text("new york new", 1000, WordUse::query).words == "new york new");
  std::string text, distinct;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 3000; ++i) {
      text += "w" + std::to_string(i) + ", ";
      if (round == 0) distinct += (i > 0 ? " w" : "w") + std::to_string(i);
    }
  }
  CHECK(word_text(text, text.size()).words == distinct);
}

TEST_CASE("Soft hyphens and joiners do not cut words", "[unit][store]") {
  CHECK(word_text("donau\u00ADdampf\u200Cschiff", 1000).words == "donaudampfschiff");
}

TEST_CASE("Scripts without blanks become bigrams beside the words", "[unit][store]") {
  const WordText text = word_text("invoice請求書です。 請求 v2", 1000);
  CHECK(text.words == "invoice v2");
  CHECK(text.bigrams == "請求 求書 書で です す 求");
  CHECK(word_text("請求書", 1000, WordUse::query).bigrams == "請求 求書");
  CHECK(word_text("請", 1000, WordUse::query).bigrams == "請");
  CHECK(word_text("ไทย 한국어", 1000, WordUse::query).bigrams == "ไท ทย 한국 국어");
}

TEST_CASE("Overlong words are left out and texts are cut at a character", "[unit][store]") {
  CHECK(word_text("a " + std::string(kMaxWordBytes + 1, 'x') + " " + std::string(kMaxWordBytes, 'y'), 1000)
            .words == "a " + std::string(kMaxWordBytes, 'y'));
  CHECK(word_text("äöü", 3).words == "ä");
  CHECK(word_text("請求書", 7).bigrams == "請求 求");
  CHECK(word_text("abc", 0).words.empty());
  CHECK(word_text("abc", 2).words == "ab");
  CHECK(word_text("äbc", 3).words == "äb");
}

TEST_CASE("Broken UTF-8 counts as a gap and nothing is read past the end", "[unit][store]") {
  for (const std::string_view bad :
       {"ab\xffzz", "ab\xc3", "ab\xe8\xab", "ab\xf0\x9f\x98", "\x80\x80", "ab\xf5\x80\x80\x80zz"}) {
    const WordText text = word_text(bad, 100);
    CHECK((text.words == "ab" || text.words == "ab zz" || text.words.empty()));
  }
  CHECK(word_text(std::string_view("a\0b", 3), 100).words == "a b");
}

}  // namespace dromos::store
