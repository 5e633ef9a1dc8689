#include "imapd/index/attachment.h"

#include <catch2/catch.hpp>

#include "common/mime/text.h"

namespace dromos::imapd {
namespace {

std::string with(std::string_view type, std::string_view name) {
  std::string head =
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain"
      "\r\n\r\nhello\r\n--b\r\nContent-Type: ";
  head += type;
  if (!name.empty()) head += "\r\nContent-Disposition: attachment; filename=\"" + std::string(name) + "\"";
  return head +
         "\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b\r\nContent-Type: "
         "text/plain\r\n\r\nlast\r\n--b--\r\n";
}

bool found(std::string_view type, std::string_view name) {
  const mime::Facts facts = mime::build_facts(with(type, name));
  const bool has = !documents_in(facts).empty();
  CHECK(has_documents(mime::encode_facts(facts)) == has);
  return has;
}

}  // namespace

TEST_CASE("Documents are known by type or by name", "[unit][imapd]") {
  CHECK(found("application/pdf", ""));
  CHECK(found("Application/X-PDF", "noname"));
  CHECK(found("application/octet-stream", "Rechnung.PDF"));
  CHECK(found("image/png", "really-a.docx"));
  CHECK(found("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ""));
  CHECK(found("application/vnd.oasis.opendocument.text", "x"));
  CHECK(found("application/vnd.ms-excel.sheet.macroEnabled.12", ""));
  CHECK(found("application/zip", "a.odt"));
  CHECK_FALSE(found("application/vnd.ms-excel", "a.xls"));
  CHECK_FALSE(found("application/zip", "a.zip"));
  CHECK_FALSE(found("image/png", "a.png"));
  CHECK_FALSE(found("text/plain", "a.pdf"));
  CHECK_FALSE(found("application/octet-stream", "pdf"));
  CHECK_FALSE(found("application/octet-stream", ""));
}

TEST_CASE("Facts that cannot be read are looked at closer", "[unit][imapd]") {
  CHECK(has_documents("nonsense"));
  CHECK(has_documents(""));
}

TEST_CASE("No more documents of a message are read than the limit", "[unit][imapd]") {
  std::string raw = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (size_t i = 0; i < kMaxDocuments + 5; ++i) raw += "--b\r\nContent-Type: application/pdf\r\n\r\nx\r\n";
  CHECK(documents_in(mime::build_facts(raw + "--b--\r\n")).size() == kMaxDocuments);
}

TEST_CASE("A document's text stands behind its name in the search text", "[unit][imapd]") {
  const std::string raw = with("application/pdf", "Name.pdf");
  const mime::Facts facts = mime::build_facts(raw);
  const auto parts = documents_in(facts);
  REQUIRE(parts.size() == 1);
  CHECK(document_bytes(raw, facts, parts[0]) == "%PDF-");
  bool truncated = true;
  const std::vector<mime::AttachedText> texts{
      {parts[0], std::string("Die ÜBERSICHT") + std::string("\0x", 2)}};
  const std::string text = mime::search_text(raw, facts, texts, &truncated);
  CHECK_FALSE(truncated);
  CHECK(mime::split_search_text(text).body == "hello\nname.pdf\ndie übersicht x\nlast\n");
  CHECK(mime::split_search_text(mime::search_text(raw, facts)).body == "hello\nname.pdf\nlast\n");
}

TEST_CASE(
    "A document's text is cut at the limit of search texts, and what is behind it is known to be missing",
    "[unit][imapd]") {
  const std::string raw = with("application/pdf", "");
  const mime::Facts facts = mime::build_facts(raw);
  bool truncated = false;
  const std::vector<mime::AttachedText> texts{{documents_in(facts).at(0), std::string(2 << 20, 'x')}};
  const std::string text = mime::search_text(raw, facts, texts, &truncated);
  CHECK(text.size() == mime::kMaxSearchText);
  CHECK(truncated);  // "last" is not in it: the message's bytes have to be looked at
}

}  // namespace dromos::imapd
