#include "common/sasl/framing.h"

#include "common/base/strings.h"

namespace dromos::sasl {

static Result<std::string> decode(std::string_view text) {
  if (text.size() > kMaxEncoded) return fail(Errc::malformed, "authentication data is too long");
  auto bytes = unbase64(text);
  if (!bytes) return fail(Errc::malformed, "authentication data is not base64");
  return std::move(*bytes);
}

Result<std::string> decode_initial(std::string_view argument) {
  if (argument == "=") return std::string();
  if (argument.empty()) return fail(Errc::malformed, "initial response is empty");
  return decode(argument);
}

Result<std::string> decode_response(std::string_view line) {
  if (line == "*") return fail(Errc::cancelled, "authentication cancelled by the client");
  return decode(line);
}

std::string encode_initial(std::string_view bytes) {
  return bytes.empty() ? "=" : base64(bytes);
}

}  // namespace dromos::sasl
