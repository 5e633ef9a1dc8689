#include "imapd/extract/document.h"

#include <exception>
#include <new>

#include "imapd/extract/package.h"

namespace dromos::extract {
namespace {

constexpr size_t kPdfHead = 1024;  // ISO 32000-1 annex H.3.4.1: readers look for %PDF- there
constexpr std::string_view kCompoundFile = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";  // [MS-CFB]
// "EncryptedPackage" in UTF-16: OOXML behind a password ([MS-OFFCRYPTO] §1.3.3).
constexpr std::string_view kEncryptedPackage("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", 32);

Outcome read(PdfReader& pdf, std::string_view document, Sink& sink) {
  if (document.substr(0, kPdfHead).find("%PDF-") != std::string_view::npos) return pdf.text(document, sink);
  if (document.starts_with("PK\x03\x04")) return package_text(document, sink);
  if (document.starts_with(kCompoundFile) && document.find(kEncryptedPackage) != std::string_view::npos)
    return Outcome::encrypted;
  return Outcome::unknown;
}

}  // namespace

Extracted Extractor::extract(std::string_view document, size_t text_limit, std::chrono::milliseconds time) {
  Sink sink(text_limit, Sink::Clock::now() + time);
  Extracted out;
  try {
    out.outcome = read(pdf_, document, sink);
  } catch (const std::bad_alloc&) {
    out.outcome = Outcome::too_large;
    sink.note_cut();
  } catch (const std::exception&) {
    out.outcome = Outcome::broken;
  }
  out.text = sink.take();
  if (!out.text.empty() && (out.outcome == Outcome::too_large || out.outcome == Outcome::broken))
    out.outcome = Outcome::text;
  out.cut = sink.cut();
  return out;
}

}  // namespace dromos::extract
