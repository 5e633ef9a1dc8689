#include "common/http/auth.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::http {
namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// RFC 6750 §2.1: b68token.
bool is_b68token(std::string_view text) {
  const size_t end = std::min(text.find('='), text.size());
  if (end == 0 || text.find_first_not_of('=', end) != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("-._~+/").find(c) != std::string_view::npos;
  });
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

Authorization parse_authorization(std::string_view value) {
  if (value.size() > kMaxAuthorization) return {};
  const size_t blank = value.find(' ');
  if (blank == std::string_view::npos) return {};
  const std::string_view scheme = value.substr(0, blank);
  const std::string_view rest = trim(value.substr(blank));
  if (iequals(scheme, "bearer")) {
    if (!is_b68token(rest)) return {};
    return BearerToken{std::string(rest)};
  }
  if (!iequals(scheme, "basic")) return {};
  const auto decoded = unbase64(rest);
  if (!decoded || has_control(*decoded) || !is_utf8(*decoded)) return {};
  const size_t colon = decoded->find(':');
  if (colon == std::string::npos) return {};
  return BasicCredentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

std::string basic_challenge(std::string_view realm) {
  return "Basic realm=" + quoted(realm) + ", charset=\"UTF-8\"";
}

std::string bearer_challenge(std::string_view realm, std::string_view error) {
  std::string out = "Bearer realm=" + quoted(realm);
  if (!error.empty()) out += ", error=" + quoted(error);
  return out;
}

}  // namespace dromos::http
