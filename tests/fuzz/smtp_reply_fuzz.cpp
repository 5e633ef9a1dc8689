// Client side replies: whole and in bytes agree; capabilities; the written form parses.
#include <cstdlib>
#include <string>

#include "common/smtp/reply.h"

using namespace dromos::smtp;

static std::string run(std::string_view bytes, size_t chunk) {
  ReplyParser parser;
  std::string seen;
  while (!bytes.empty()) {
    std::string_view input = bytes.substr(0, chunk);
    bytes.remove_prefix(input.size());
    while (!input.empty()) {
      const auto reply = parser.feed(input);
      if (!reply) return seen + "error";
      if (!*reply) break;
      (void)parse_capabilities(**reply);
      const std::string wire = (*reply)->wire();
      if (wire.find('\0') != std::string::npos || !wire.ends_with("\r\n")) std::abort();
      seen += wire;
    }
  }
  return seen;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (run(bytes, size + 1) != run(bytes, 1)) std::abort();
  return 0;
}
