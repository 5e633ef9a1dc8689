// The Authorization header as values (RFC 7617 Basic, RFC 6750 Bearer). Nothing is verified here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace dromos::http {

struct BasicCredentials {
  std::string user;
  std::string password;
};
struct BearerToken {
  std::string token;
};

inline constexpr size_t kMaxAuthorization = 4096;

/// monostate: absent, another scheme, or malformed (bad base64, no colon, not UTF-8, control characters).
using Authorization = std::variant<std::monostate, BasicCredentials, BearerToken>;
Authorization parse_authorization(std::string_view header_value);

/// Values for WWW-Authenticate. `realm` is quoted.
std::string basic_challenge(std::string_view realm);
/// `error` may be empty, or one of RFC 6750 §3.1 ("invalid_token").
std::string bearer_challenge(std::string_view realm, std::string_view error = {});

}  // namespace dromos::http
