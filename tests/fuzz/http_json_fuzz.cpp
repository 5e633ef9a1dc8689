// Bounded JSON: whatever is accepted has the depth and count promised and survives a round trip.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/http/json.h"

namespace {

constexpr size_t kDepth = 8;

size_t depth_of(const nlohmann::json& value) {
  size_t deepest = 0;
  if (!value.is_structured()) return 0;
  for (const auto& item : value) deepest = std::max(deepest, depth_of(item));
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  JsonLimits limits;
  limits.depth = kDepth;
  limits.values = 100;
  const auto parsed = parse_json(text, limits);
  if (!parsed) {
    if (parsed.error().offset > size || parsed.error().text.empty() || parsed.error().column == 0) abort();
    return 0;
  }
  if (depth_of(*parsed) > kDepth) abort();
  const auto again = parse_json(parsed->dump());
  if (!again || *again != *parsed) abort();
  return 0;
}
