// Hostile bytes as stored facts; and facts of a hostile message survive encoding.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/facts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::mime;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto facts = decode_facts(bytes)) {
    const auto again = decode_facts(encode_facts(*facts));
    if (!again || !(*again == *facts)) std::abort();
    if (!FactsView::open(bytes)) std::abort();
    (void)render_body(*facts);
  }
  const Facts built = build_facts(bytes);
  const auto decoded = decode_facts(encode_facts(built));
  if (!decoded || !(*decoded == built)) std::abort();
  return 0;
}
