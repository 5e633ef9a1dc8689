// gRPC's framing: whole and in bytes must agree; texts and timeouts survive the way there and back.
#include <cstdlib>
#include <string>
#include <vector>

#include "common/rpc/wire.h"

using namespace dromos::rpc;

static std::vector<std::string> read(std::string_view bytes, size_t step) {
  MessageReader reader(4096);
  std::vector<std::string> out;
  for (size_t at = 0; at < bytes.size(); at += step) {
    reader.feed(bytes.substr(at, step));
    while (true) {
      auto message = reader.next();
      if (!message) return out;
      if (!*message) break;
      out.push_back(std::move(**message));
    }
  }
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (read(bytes, 1) != read(bytes, size + 1)) std::abort();
  if (percent_decoded(percent_encoded(bytes)) != bytes) std::abort();
  (void)percent_decoded(bytes);
  if (const auto timeout = parse_timeout(bytes); timeout && !parse_timeout(timeout_text(*timeout)))
    std::abort();
  return 0;
}
