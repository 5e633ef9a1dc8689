// Text of a document, whatever it is called: what it is is told by its first bytes, since names and types of
// attachments are anybody's claim.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "imapd/extract/pdf.h"
#include "imapd/extract/wire.h"

namespace dromos::extract {

struct Extracted {
  Outcome outcome = Outcome::text;
  bool cut = false;
  std::string text;
};

class Extractor {
 public:
  /// Never throws; text found before a limit or a fault counts.
  Extracted extract(std::string_view document, size_t text_limit, std::chrono::milliseconds time);

 private:
  PdfReader pdf_;
};

}  // namespace dromos::extract
