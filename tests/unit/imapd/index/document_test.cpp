#include "imapd/index/document.h"

#include <catch2/catch.hpp>

#include "common/mime/charset.h"
#include "common/mime/text.h"
#include "imapd/index/language.h"

namespace dromos::imapd {

TEST_CASE("A document takes subject, addresses and body out of a search text", "[unit][imapd]") {
  const std::string raw =
      "Received: from x by y\r\nFrom: =?utf-8?q?Anna_M=C3=BCller?= <anna@example.org>\r\nTo: "
      "bob@example.net\r\n"
      "Cc: Carl <carl@example.net>\r\nSubject: Die RECHNUNG\r\nX-Mailer: noise\r\n\r\nGuten Tag\r\n";
  const std::string text = mime::search_text(raw, mime::build_facts(raw));
  const auto document = document_of(MessageId::make(), text);
  CHECK(document.subject == "die rechnung");
  CHECK(document.addresses.find("anna müller <anna@example.org>") != std::string::npos);
  CHECK(document.addresses.find("bob@example.net") != std::string::npos);
  CHECK(document.addresses.find("carl") != std::string::npos);
  CHECK(document.body.find("guten tag") != std::string::npos);
  for (const auto* part : {&document.subject, &document.addresses, &document.body}) {
    CHECK(part->find("noise") == std::string::npos);
    CHECK(part->find("received") == std::string::npos);
  }
}

TEST_CASE("A document survives texts that are not as they should be", "[unit][imapd]") {
  CHECK(document_of({}, "").body.empty());
  CHECK(document_of({}, "subject without colon\nsubject: ").subject.empty());
  const std::string huge = std::string("to: ") + std::string(1 << 20, 'a') + "\n" + std::string(1, '\0') +
                           std::string(1 << 20, 'b');
  const auto document = document_of({}, huge);
  CHECK(document.addresses.size() < 40'000);
  CHECK(document.body.size() == store::WordIndex::kMaxBody);
}

TEST_CASE("Languages are told apart by their text", "[unit][imapd]") {
  const auto guess = [](std::string_view text) { return std::string(guess_language(mime::fold_case(text))); };
  CHECK(guess("Guten Tag, anbei erhalten Sie die Rechnung für unsere letzte Lieferung.") == "german");
  CHECK(guess("Please find attached the invoice for our last delivery.") == "english");
  CHECK(guess("Bonjour, veuillez trouver ci-joint la facture de notre dernière livraison.") == "french");
  CHECK(guess("Здравствуйте, во вложении счёт за последнюю доставку товаров.") == "russian");
  CHECK(guess("こんにちは、請求書を添付いたしますのでご確認ください。") == "simple");
  CHECK(guess("ok") == "simple");
  CHECK(guess("") == "simple");
  CHECK(guess(std::string(5000, '7')) == "simple");
  CHECK(guess_language("gr\xfc\xdf gott und noch mehr kaputte bytes") == "simple");
}

TEST_CASE("A language is guessed of a long text cut inside a character", "[unit][imapd]") {
  std::string text;
  while (text.size() < 3 * kGuessBytes) text += "süße grüße für die schönen bücher und die äpfel, ";
  for (size_t shift = 0; shift < 4; ++shift)
    CHECK(guess_language(std::string(shift, 'x') + " " + text) == "german");
}

}  // namespace dromos::imapd
