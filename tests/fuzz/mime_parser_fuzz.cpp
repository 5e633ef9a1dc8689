// The structure must not depend on how bytes arrive, and parts stay within their parents.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/mime/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  const auto whole = dromos::mime::parse(raw);
  dromos::mime::Parser parser;
  size_t step = size == 0 ? 1 : data[0] % 13 + 1;
  for (size_t i = 0; i < size; i += step) parser.feed(raw.substr(i, step));
  if (!(parser.finish() == whole)) std::abort();
  for (const auto& part : whole.parts) {
    if (part.header_begin > part.body_begin || part.body_begin > part.body_end || part.body_end > size)
      std::abort();
    if (part.parent != dromos::mime::kNoPart && part.body_end > whole.parts[part.parent].body_end)
      std::abort();
  }
  return 0;
}
