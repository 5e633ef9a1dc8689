#include "imapd/service/chunk_language.h"

#include <catch2/catch.hpp>
#include <set>

#include "common/mime/charset.h"
#include "imapd/index/document.h"
#include "imapd/index/language.h"

using namespace dromos;
using namespace dromos::imapd;

namespace {

std::vector<std::string> texts() {
  const std::string nul(1, '\0');
  std::vector<std::string> made;
  for (const char* body :
       {"the houses at the end of the road were bought by people who like to live far away from the city",
        "die rechnungen des letzten monats wurden von den kunden noch nicht bezahlt und sind daher offen",
        "les factures du mois dernier n'ont pas \xc3\xa9t\xc3\xa9 pay\xc3\xa9"
        "es par les clients de la soci\xc3\xa9t\xc3\xa9",
        "Kitaplar\xc4\xb1 masalar\xc4\xb1n \xc3\xbczerine b\xc4\xb1rakt\xc4\xb1k, \xc3\xa7ocuklar\xc4\xb1n "
        "odalar\xc4\xb1 \xc3\xa7ok da\xc4\x9f\xc4\xb1n\xc4\xb1kt\xc4\xb1",
        "\xd0\xb4\xd0\xbe\xd0\xba\xd1\x83\xd0\xbc\xd0\xb5\xd0\xbd\xd1\x82\xd1\x8b \xd0\xb1\xd1\x83\xd0\xb4"
        "\xd1\x83\xd1\x82 \xd0\xbe\xd1\x82\xd0\xbf\xd1\x80\xd0\xb0\xd0\xb2\xd0\xbb\xd0\xb5\xd0\xbd\xd1\x8b "
        "\xd0\xbd\xd0\xb0 \xd1\x81\xd0\xbb\xd0\xb5\xd0\xb4\xd1\x83\xd1\x8e\xd1\x89\xd0\xb5\xd0\xb9 \xd0\xbd"
        "\xd0\xb5\xd0\xb4\xd0\xb5\xd0\xbb\xd0\xb5",
        "ok", ""})
    for (const char* subject : {"subject: s\n",
                                "received: x\nsubject: \xc3\xbc"
                                "ber die kosten des umbaus\n",
                                ""})
      made.push_back(mime::fold_case("from: anna@example.org\n" + std::string(subject)) + nul +
                     mime::fold_case(body));
  return made;
}

std::shared_ptr<const TextChunk> chunk_of(const std::vector<std::string>& texts) {
  TextChunk::Builder builder;
  for (size_t i = 0; i < texts.size(); ++i)
    REQUIRE(builder.add(static_cast<uint32_t>(i + 1), texts[i], true));
  return std::move(builder).finish(static_cast<uint32_t>(texts.size()));
}

}  // namespace

TEST_CASE("A text in memory is of the language that the index guesses", "[unit][imapd]") {
  const auto all = texts();
  const auto chunk = chunk_of(all);
  std::set<size_t> languages;
  for (size_t row = 0; row < all.size(); ++row) {
    store::WordDocument document = document_of({}, all[row]);
    set_language(document);
    CAPTURE(all[row]);
    languages.insert(chunk_language(*chunk, row));
    CHECK(chunk_language(*chunk, row) == language_number(document.language));
  }
  CHECK(languages.size() >= 5);
}

TEST_CASE("A language is guessed once", "[unit][imapd]") {
  const auto all = texts();
  const auto chunk = chunk_of(all);
  REQUIRE(chunk->language(0) == TextChunk::kUnknown);
  const size_t guessed = chunk_language(*chunk, 0);
  CHECK(chunk->language(0) == guessed);
  const auto other = static_cast<uint8_t>(guessed + 1);
  chunk->keep_language(0, other);
  CHECK(chunk_language(*chunk, 0) == other);
  CHECK(chunk->language(3) == TextChunk::kUnknown);  // of another row
}
