#include "imapd/extract/document.h"

#include <catch2/catch.hpp>

#include "documents.h"
#include "imapd/extract/package.h"

namespace dromos::extract {
namespace {

constexpr std::chrono::milliseconds kLong(600'000);

Extracted read(std::string_view document, size_t limit = kMaxText) {
  Extractor extractor;
  return extractor.extract(document, limit, kLong);
}

bool holds(const Extracted& got, std::string_view text) {
  return got.text.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("Words of a text document are found whole over its runs, and deleted ones are not",
          "[unit][extract]") {
  const Extracted got = read(word_document(
      "<w:p><w:r><w:t>Rech</w:t></w:r><w:r><w:t>nung</w:t></w:r><w:r><w:tab/><w:t xml:space='preserve'>für "
      "</w:t></w:r>"
      "<w:r><w:t>M&#xFC;ller &amp; Co</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>"
      "<w:p><w:r><w:instrText>HYPERLINK x</w:instrText><w:t>zwei</w:t><w:br/><w:t>drei</w:t></w:r></w:p>"
      "<mc:AlternateContent><mc:Choice><w:t>shape</w:t></mc:Choice><mc:Fallback><w:t>again</w:t></"
      "mc:Fallback>"
      "</mc:AlternateContent>"));
  CHECK(got.outcome == Outcome::text);
  CHECK_FALSE(got.cut);
  CHECK(got.text == "Rechnung für Müller & Co\nzwei\ndrei\nshape\n");
}

TEST_CASE("A sheet gives shared strings, its own strings, numbers and names of sheets", "[unit][extract]") {
  const Extracted got = read(zipped(
      {{"[Content_Types].xml", "<Types/>"},
       {"xl/workbook.xml", "<workbook><sheets><sheet name='Kosten 2026' sheetId='1'/></sheets></workbook>"},
       {"xl/sharedStrings.xml",
        "<sst><si><t>Umsatz</t><rPh><t>phonetic</t></rPh></si><si><r><t>Ge</t></r><r><t>winn</t></r></si></"
        "sst>"},
       {"xl/worksheets/sheet1.xml",
        "<worksheet><sheetData><row><c t='s'><v>17</v></c><c><v>4711.5</v></c><c "
        "t='inlineStr'><is><t>inline</t></is></c>"
        "<c t='b'><v>1</v></c><c "
        "t='str'><f>A1&amp;\"formula\"</f><v>result</v></c></row></sheetData></worksheet>"}}));
  CHECK(got.outcome == Outcome::text);
  CHECK(got.text == "Kosten 2026\nUmsatz\nGewinn\n4711.5 inline result\n");
}

TEST_CASE("Slides come in the order of their numbers, with notes and properties", "[unit][extract]") {
  Files files{
      {"[Content_Types].xml", "<Types/>"},
      {"docProps/core.xml",
       "<cp:coreProperties><dc:title>Der Titel</dc:title><cp:revision>99</cp:revision></cp:coreProperties>"},
      {"ppt/notesSlides/notesSlide1.xml", "<p:notes><a:p><a:r><a:t>note</a:t></a:r></a:p></p:notes>"}};
  for (const int n : {10, 9, 1})
    files.emplace_back("ppt/slides/slide" + std::to_string(n) + ".xml",
                       "<p:sld><a:p><a:r><a:t>s" + std::to_string(n) + "</a:t></a:r></a:p></p:sld>");
  CHECK(read(zipped(files)).text == "Der Titel\ns1\ns9\ns10\nnote\n");
}

TEST_CASE("OpenDocument gives paragraphs, blanks, tables and properties, without deleted text",
          "[unit][extract]") {
  const Extracted got = read(zipped(
      {{"mimetype", "application/vnd.oasis.opendocument.spreadsheet"},
       {"meta.xml",
        "<office:meta><dc:title>Titel</dc:title><meta:keyword>wort</meta:keyword><meta:date>2020</"
        "meta:date></office:meta>"},
       {"content.xml",
        "<office:body><text:tracked-changes><text:p>deleted</text:p></text:tracked-changes><table:table "
        "table:name='Blatt'>"
        "<table:table-cell><text:p>a<text:s "
        "text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p></table:table-cell>"
        "</table:table><text:h>Kopf<text:span>zeile</text:span></text:h>between</office:body>"},
       {"styles.xml",
        "<office:master-styles><style:footer><text:p>Fuss</text:p></style:footer></office:master-styles>"}}));
  CHECK(got.outcome == Outcome::text);
  CHECK(got.text == "Titel\nwort\nBlatt\na  b c\nd\nKopfzeile\nFuss\n");
}

TEST_CASE("Every page of a PDF is read, in UTF-8", "[unit][extract]") {
  const Extracted got = read(pdf_of({"Die erste Seite", "K\\374che und \\200 5"}));
  CHECK(got.outcome == Outcome::text);
  CHECK(holds(got, "Die erste Seite\n"));
  CHECK(holds(got, "Küche und € 5"));
}

TEST_CASE("What a document is is told by its bytes", "[unit][extract]") {
  CHECK(read("just words").outcome == Outcome::unknown);
  CHECK(read("").outcome == Outcome::unknown);
  CHECK(read(zipped({{"readme.txt", "hello"}})).outcome == Outcome::unknown);
  CHECK(read(zipped({{"content.xml", "<a/>"}})).outcome == Outcome::unknown);  // no package of either kind
  CHECK(read("junk before\n" + pdf_of({"still a PDF"})).outcome == Outcome::text);
}

TEST_CASE("Encrypted documents are told from broken ones", "[unit][extract]") {
  CHECK(read(open_document("", "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>"))
            .outcome == Outcome::encrypted);
  const std::string office(
      "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1....E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", 44);
  CHECK(read(office).outcome == Outcome::encrypted);
  CHECK(read(office.substr(0, 20)).outcome == Outcome::unknown);
  const std::string key(32, 'k');
  CHECK(read(pdf_of({"secret"},
                    "/ID[(a)(a)]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O(" + key + ")/U(" + key + ")>>"))
            .outcome == Outcome::encrypted);
  CHECK(read("%PDF-1.7 and nothing more").outcome == Outcome::broken);
  CHECK(read("PK\x03\x04 and nothing more").outcome == Outcome::broken);
}

TEST_CASE("Text before a fault counts", "[unit][extract]") {
  const Extracted got = read(word_document("<w:p><w:t>before</w:t></w:p><w:p><w:t>after</wrong>"));
  CHECK(got.outcome == Outcome::text);
  CHECK(holds(got, "before"));
  CHECK(read(word_document("<wrong")).outcome == Outcome::broken);
}

TEST_CASE("Every prefix of a document gives an outcome and clean text", "[unit][extract]") {
  const std::string office = word_document("<w:p><w:t>äöü words</w:t></w:p>");
  const std::string pdf = pdf_of({"some words"});
  Extractor extractor;
  for (const std::string* whole : {&office, &pdf})
    for (size_t length = 0; length < whole->size(); length += 7) {
      const Extracted got = extractor.extract(std::string_view(*whole).substr(0, length), 100, kLong);
      CHECK(got.text.size() <= 100);
    }
}

TEST_CASE("A text is cut at its limit, at a character, and says so", "[unit][extract]") {
  const std::string document = word_document("<w:p><w:t>" + std::string(100, 'x') + "äää</w:t></w:p>");
  const Extracted got = read(document, 101);
  CHECK(got.outcome == Outcome::text);
  CHECK(got.cut);
  CHECK(got.text == std::string(100, 'x'));
  CHECK_FALSE(read(document, 120).cut);
  const Extracted pages = read(pdf_of(std::vector<std::string>(50, "words on a page")), 100);
  CHECK(pages.cut);
  CHECK(pages.text.size() <= 100);
}

TEST_CASE("No work is done past the time given", "[unit][extract]") {
  Extractor extractor;
  const Extracted got = extractor.extract(pdf_of({"words"}), kMaxText, std::chrono::milliseconds(0));
  CHECK(got.cut);
  CHECK(got.text.empty());
}

TEST_CASE("An archive that inflates without end is left at the limit", "[unit][extract]") {
  // 300 MB of blanks in a mere 300 KB; and text in front of them, which counts.
  const std::string blanks(size_t{300} << 20, ' ');
  const Extracted got =
      read(word_document("<w:p><w:t>front</w:t></w:p>" + blanks + "<w:p><w:t>behind</w:t></w:p>"));
  CHECK(got.outcome == Outcome::text);
  CHECK(got.cut);
  CHECK(got.text == "front\n");
}

TEST_CASE("Entities, endless nesting and archives in archives come to nothing", "[unit][extract]") {
  std::string bomb = "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'>";
  for (char c = 'b'; c < 'k'; ++c) {
    bomb += std::string("<!ENTITY ") + c + " '";
    for (int i = 0; i < 10; ++i) bomb += std::string("&") + static_cast<char>(c - 1) + ";";
    bomb += "'>";
  }
  bomb += "]><w:p><w:t>&j;</w:t></w:p>";
  const auto with = [](std::string xml) {
    return zipped({{"[Content_Types].xml", ""}, {"word/document.xml", std::move(xml)}});
  };
  CHECK(read(with(bomb)).outcome == Outcome::broken);
  CHECK(read(with("<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><w:t>&x;</w:t>")).outcome ==
        Outcome::broken);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<w:p>";
  CHECK(read(with(deep)).outcome == Outcome::broken);
  std::string inner = word_document("<w:p><w:t>inmost</w:t></w:p>");
  for (int i = 0; i < 20; ++i)
    inner = zipped(
        {{"[Content_Types].xml", ""}, {"word/document.xml", "<d/>"}, {"word/embeddings/a.docx", inner}});
  CHECK(read(inner).text.empty());
}

TEST_CASE("Archives with too many entries or parts are read in part", "[unit][extract]") {
  Files files{{"[Content_Types].xml", ""}};
  for (size_t i = 0; i < kMaxParts + 10; ++i)
    files.emplace_back("ppt/slides/slide" + std::to_string(i) + ".xml",
                       "<a:p><a:t>s" + std::to_string(i) + "</a:t></a:p>");
  const Extracted got = read(zipped(files));
  CHECK(got.outcome == Outcome::text);
  CHECK(got.cut);
  CHECK(holds(got, "s" + std::to_string(kMaxParts - 1) + "\n"));
  CHECK_FALSE(holds(got, "s" + std::to_string(kMaxParts) + "\n"));
}

TEST_CASE("A PDF of ten thousand pages is read to its end", "[unit][extract]") {
  std::vector<std::string> pages(10'000, "x");
  pages.back() = "ultimate";
  const Extracted got = read(pdf_of(pages));
  CHECK(got.outcome == Outcome::text);
  CHECK(holds(got, "ultimate"));
}

TEST_CASE("A PDF whose pages are their own parents is survived", "[unit][extract]") {
  const Extracted got = read(
      "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]"
      "/Count 1000000/Parent 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n");
  CHECK(got.text.find_first_not_of("\n ") == std::string::npos);
}

}  // namespace dromos::extract
