// Configuration text: any bytes give a Config or Problems, never an exception.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = dromos::config::parse(text, "fuzz.yaml", std::nullopt, nullptr);
  if (!config && config.error().text().empty()) __builtin_trap();
  std::string variable = "DROMOS_MTA__HOSTNAME=" + std::string(text.substr(0, text.find('\0')));
  char* environment[] = {variable.data(), nullptr};
  const auto overridden = dromos::config::parse("", "fuzz.yaml", std::nullopt, environment);
  if (!overridden && overridden.error().text().empty()) __builtin_trap();
  return 0;
}
