// base64 framing of SASL in SMTP (RFC 4954 §4), IMAP (RFC 4959, RFC 9051 §6.2.2) and POP3 (RFC 5034).
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/sasl/errc.h"

namespace dromos::sasl {

/// Base64 of the longest line allowed (12288) and no more.
inline constexpr size_t kMaxEncoded = 12288;

/// The initial response argument of AUTH: "=" is empty.
Result<std::string> decode_initial(std::string_view argument);
/// A response line: "*" is Errc::cancelled, an empty line is an empty response.
Result<std::string> decode_response(std::string_view line);
std::string encode_initial(std::string_view bytes);

}  // namespace dromos::sasl
