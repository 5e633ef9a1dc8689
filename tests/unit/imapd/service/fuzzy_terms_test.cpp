#include "imapd/service/fuzzy_terms.h"

#include <catch2/catch.hpp>

#include "common/mime/charset.h"
#include "common/mime/collation.h"
#include "imapd/index/language.h"
#include "imapd/service/same_letters.h"

using namespace dromos;
using namespace dromos::imapd;
using store::WordField;
using store::WordForm;
using store::WordStem;

namespace {

size_t language(std::string_view name) {
  const auto names = index_languages();
  const auto at = std::find(names.begin(), names.end(), name);
  REQUIRE(at != names.end());
  return static_cast<size_t>(at - names.begin());
}

bool plausible(const FuzzyTerms& terms, std::string_view word) {
  return terms.plausible(mime::decompose_folded(mime::fold_case(word)));
}

/// A forms' language is "simple" for 0.
FuzzyTerms looking_for(std::string_view word, std::string_view stem, std::string_view of) {
  FuzzyTerms terms({{std::string(word), WordField::any, false}});
  terms.set_forms({{0, 0, std::string(word), false}, {language(of), 0, std::string(stem), false}},
                  {std::string(of)});
  return terms;
}

FuzzyAnswer judged(FuzzyJudge& judge, const FuzzyHits& hits, size_t language) {
  return judge.judge(hits, [&] { return language; }).front();
}

}  // namespace

TEST_CASE("words that share the beginning of a stem are plausible, others are not", "[unit][imapd]") {
  const FuzzyTerms terms = looking_for("rechnung", "rechnung", "german");
  for (const char* word : {"Rechnung", "Rechnungen", "rechnen, ", "abrechnung ", "„Rechnungen“"})
    CHECK(plausible(terms, word));
  for (const char* word : {"racht", "rest", "nung"}) CHECK_FALSE(plausible(terms, word));
}

TEST_CASE("marks do not hide a word from its stem, nor beginnings that a language takes off",
          "[unit][imapd]") {
  CHECK(plausible(looking_for("häuser", "haus", "german"), "Häusern"));
  CHECK(plausible(looking_for("haus", "haus", "german"), "Häuser "));
  CHECK(plausible(looking_for("tulis", "tulis", "indonesian"), "menulis"));
  CHECK(plausible(looking_for("fuil", "fuil", "irish"), "bhfuil"));
  CHECK(plausible(looking_for("die", "die", "english"), "dying"));
}

TEST_CASE("tokens of scripts without blanks are plausible for pairs within them", "[unit][imapd]") {
  const FuzzyTerms terms({{"预算", WordField::any, true}});
  CHECK(plausible(terms, "季度预算报告"));
  CHECK_FALSE(plausible(terms, "季度报告"));
  const FuzzyTerms korean({{"보고", WordField::any, true}});
  CHECK(plausible(korean, "첨부된보고서"));
}

TEST_CASE("a message is decided by its language where stems differ, and by that alone", "[unit][imapd]") {
  const size_t english = language("english");
  const size_t german = language("german");
  FuzzyTerms terms({{"houses", WordField::any, false}, {"houses", WordField::subject, false}});
  std::vector<WordForm> forms;
  for (const size_t word : {0U, 1U}) {
    forms.push_back({0, word, "houses", false});
    forms.push_back({english, word, "hous", false});
  }
  terms.set_forms(forms, {"english"});
  FuzzyJudge judge(terms);
  FuzzyWords& words = judge.words();
  const uint32_t housing = words.id("housing");
  const uint32_t houses = words.id("houses");
  CHECK(judge.unasked() == std::vector<std::string>{"housing", "houses"});
  judge.set_stems({{english, 0, 1}, {english, 1, 1}, {0, 1, 0}, {german, 1, 0}});
  CHECK(judge.unasked().empty());

  const FuzzyHits body{{housing, kFuzzyBody}};
  CHECK(judged(judge, body, english).found);
  CHECK_FALSE(judged(judge, body, german).found);
  // Addresses are not stemmed.
  CHECK_FALSE(judged(judge, {{housing, kFuzzyAddress}}, english).found);
  CHECK(judged(judge, {{houses, kFuzzyAddress}}, english).in_address);
  CHECK(judged(judge, {{houses, kFuzzySubject}}, german).in_subject);
  // The second key looks at subjects only.
  CHECK_FALSE(judge.judge(body, [&] { return english; })[1].found);
  CHECK(judge.judge({{houses, kFuzzySubject}}, [&] { return english; })[1].found);
}

TEST_CASE("a message is not asked for its language where that does not matter", "[unit][imapd]") {
  FuzzyTerms terms({{"budget", WordField::any, false}});
  std::vector<WordForm> forms;
  std::vector<WordStem> stems;
  for (size_t i = 0; i < index_languages().size(); ++i) {
    forms.push_back({i, 0, "budget", false});
    stems.push_back({i, 0, 0});
  }
  terms.set_forms(forms, {});
  FuzzyJudge judge(terms);
  const uint32_t word = judge.words().id("budget");
  judge.set_stems(stems);
  bool asked = false;
  const auto language = [&] {
    asked = true;
    return size_t{0};
  };
  CHECK(judge.judge({{word, kFuzzyBody}}, language).front().found);
  CHECK_FALSE(judge.judge({}, language).front().found);
  CHECK_FALSE(asked);
}

TEST_CASE("all words are needed, stop words of a language are not", "[unit][imapd]") {
  const size_t english = language("english");
  FuzzyTerms terms({{"the houses", WordField::any, false}});
  terms.set_forms({{0, 0, "the", false}, {0, 1, "houses", false}, {english, 1, "hous", false}}, {"english"});
  FuzzyJudge judge(terms);
  const uint32_t houses = judge.words().id("houses");
  judge.set_stems({{english, 0, 2}, {0, 0, 1}});
  CHECK(judged(judge, {{houses, kFuzzyBody}}, english).found);

  FuzzyTerms plain({{"the houses", WordField::any, false}});
  plain.set_forms({{0, 0, "the", false}, {0, 1, "houses", false}}, {});
  FuzzyJudge simple(plain);
  const uint32_t id = simple.words().id("houses");
  simple.set_stems({{0, 0, 1}});
  CHECK_FALSE(judged(simple, {{id, kFuzzyBody}}, 0).found);
}

TEST_CASE("pairs of characters are all needed, and one character is the beginning of a pair",
          "[unit][imapd]") {
  FuzzyTerms terms({{"预算报", WordField::any, true}, {"报", WordField::any, true}});
  terms.set_forms({}, {});
  FuzzyJudge judge(terms);
  FuzzyHits hits;
  terms.add_items("季度预算报告", 1000, kFuzzyBody, judge.words(), hits);
  tidy(hits);
  CHECK(judged(judge, hits, 0).found);
  FuzzyHits other;
  terms.add_items("预算", 1000, kFuzzyBody, judge.words(), other);
  terms.add_items("报告", 1000, kFuzzyBody, judge.words(), other);
  tidy(other);
  CHECK_FALSE(judge.judge(other, [] { return size_t{0}; })[0].found);
  CHECK(judge.judge(other, [] { return size_t{0}; })[1].found);
}

TEST_CASE("hits are sorted and each item is one, in all its fields", "[unit][imapd]") {
  FuzzyHits hits{{7, kFuzzyBody}, {1, kFuzzyBody}, {7, kFuzzySubject}, {7, kFuzzyBody}};
  tidy(hits);
  CHECK(hits == FuzzyHits{{1, kFuzzyBody}, {7, kFuzzyBody | kFuzzySubject}});
}

TEST_CASE("letters that composing does not give back are told", "[unit][imapd]") {
  for (const char* same :
       {"plain", "über café ёлка й", "첨부된 보고서", "来週の会議", "signs… \u00a0© →", "ガ"})
    CHECK(same_letters(same));
  for (const char* other :
       {"kapı", "ｆｉｌｅ", "e\u0301", "เอกสารกำ", "ﬃ", "\U0001D400", "Dromos™", "m²", "don´t"})
    CHECK_FALSE(same_letters(other));
}
