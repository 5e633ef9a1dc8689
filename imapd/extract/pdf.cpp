#include "imapd/extract/pdf.h"

#include <iconv.h>
#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-page.h>

#include <algorithm>
#include <limits>
#include <string>

#include "common/base/utf8.h"

namespace dromos::extract {
namespace {

using Document = std::unique_ptr<poppler::document>;

/// A page with one word; its cross-reference table is missing, which poppler mends.
constexpr std::string_view kTiny =
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</Font<</F<</Type/Font"
    "/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
    "4 0 obj<</Length 29>>stream\nBT /F 9 Tf 9 9 Td (\344x) Tj ET \nendstream endobj\n"
    "trailer<</Root 1 0 R/Size 5>>\n";

void silent(const std::string&, void*) {}

Document load(std::string_view bytes) {
  return Document(poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
}

/// poppler's own conversion would look for a converter on disk.
void append_utf8(std::string& out, const poppler::ustring& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    uint32_t c = text[i];
    if (c == 0xFEFF) continue;
    if (c >= 0xD800 && c < 0xDC00 && i + 1 < text.size() && text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000)
      c = 0x10000 + ((c - 0xD800) << 10) + (text[++i] - 0xDC00u);
    dromos::append_utf8(out, c);
  }
}

std::string page_text(const poppler::document& document, int number) {
  const std::unique_ptr<poppler::page> page(document.create_page(number));
  std::string out;
  if (page == nullptr) return out;
  append_utf8(out, page->text(page->page_rect(), poppler::page::non_raw_non_physical_layout));
  return out;
}

void add_line(Sink& sink, const poppler::ustring& text) {
  std::string utf8;
  append_utf8(utf8, text);
  sink.add(utf8);
  sink.line();
}

}  // namespace

/// The document keeps poppler's tables open, the descriptors the C library's converters.
struct PdfReader::State {
  Document tiny;
  iconv_t there = iconv_open("UTF-16", "UTF-8"), back = iconv_open("UTF-8", "UTF-16");
  iconv_t plain = iconv_open("UTF-8", "ISO-8859-1");
  ~State() {
    for (iconv_t one : {there, back, plain})
      if (one != reinterpret_cast<iconv_t>(-1)) iconv_close(one);
  }
};

PdfReader::PdfReader() : state_(std::make_unique<State>()) {
  poppler::set_debug_error_function(silent, nullptr);
  state_->tiny = load(kTiny);
  if (state_->tiny != nullptr) page_text(*state_->tiny, 0);
}
PdfReader::~PdfReader() = default;

Outcome PdfReader::text(std::string_view pdf, Sink& sink) {
  if (pdf.size() > static_cast<size_t>(std::numeric_limits<int>::max())) return Outcome::too_large;
  const Document document = load(pdf);
  if (document == nullptr) return Outcome::broken;
  if (document->is_locked()) return Outcome::encrypted;
  add_line(sink, document->get_title());
  add_line(sink, document->get_subject());
  add_line(sink, document->get_keywords());
  const int pages = document->pages();
  for (int i = 0; i < std::min(pages, kMaxPages) && !sink.full(); ++i) {
    sink.add(page_text(*document, i));
    sink.line();
  }
  if (pages > kMaxPages) sink.note_cut();
  return pages > 0 || !sink.text().empty() ? Outcome::text : Outcome::broken;
}

}  // namespace dromos::extract
