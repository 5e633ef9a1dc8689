// Text of hostile messages and documents is clean UTF-8 within its limits; decoders do not depend on cuts.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/strings.h"
#include "common/mime/encodings.h"
#include "common/mime/facts.h"
#include "common/mime/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::mime;
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  const Facts facts = build_facts(raw);
  const std::string text = search_text(raw, facts);
  if (!dromos::is_utf8(text) || text.size() > kMaxSearchText) std::abort();
  if (!dromos::is_utf8(readable_text(raw, facts, 1000)) || !dromos::is_utf8(facts.preview)) std::abort();
  const std::string clean = dromos::clean_utf8(raw);
  if (!dromos::is_utf8(html_to_text(clean, 500))) std::abort();
  for (const auto encoding : {Encoding::base64, Encoding::quoted_printable, Encoding::uuencode}) {
    std::string pieces;
    Decoder decoder(encoding);
    for (const char c : raw) decoder.feed(std::string_view(&c, 1), pieces);
    decoder.finish(pieces);
    if (pieces != decode(encoding, raw)) std::abort();
  }
  if (decode(Encoding::quoted_printable, encode_quoted_printable(clean)).size() > clean.size() * 2)
    std::abort();
  return 0;
}
