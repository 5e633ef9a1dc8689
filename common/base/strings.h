// Byte-string helpers shared by all parsers. ASCII only: nothing here depends on a locale.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
/// Space, tab, CR, LF.
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);
/// Splits at each `separator`; "a,,b" gives three pieces, "" gives one.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// The whole text as a number, or nothing: no sign for unsigned types, no blanks, no overflow.
template <class Int>
std::optional<Int> parse_number(std::string_view text) {
  Int value{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string hex(std::string_view bytes);
std::optional<std::string> unhex(std::string_view text);
/// RFC 4648 §4, padded.
std::string base64(std::string_view bytes);
/// Strict: alphabet, padding and length must be right; no white space.
std::optional<std::string> unbase64(std::string_view text);
/// RFC 4648 §5, unpadded.
std::string base64url(std::string_view bytes);
std::optional<std::string> unbase64url(std::string_view text);

/// True if well-formed UTF-8 without surrogates or overlong forms (RFC 3629 §3).
bool is_utf8(std::string_view text);
/// UTF-8 fit for PostgreSQL text and JSON: bad sequences and NUL become U+FFFD.
std::string clean_utf8(std::string_view bytes);
bool is_ascii(std::string_view text);

}  // namespace dromos
