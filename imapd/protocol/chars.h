// Character classes of the IMAP grammar (RFC 9051 §9) as one table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace dromos::imapd {

enum CharClass : uint8_t {
  kAtomChar = 1,
  kAstringChar = 2,  // atom and "]"
  kListChar = 4,     // atom, "]" and wildcards
  kTagChar = 8,      // astring without "+"
  kQuotedChar = 16,  // in quotes without escape; 8-bit included
  kDigit = 32,
};

namespace detail {
constexpr std::array<uint8_t, 256> make_char_classes() {
  std::array<uint8_t, 256> table{};
  for (int c = 1; c < 256; ++c) {
    const std::string_view specials = "(){ %*\"\\]";
    const bool control = c < 0x20 || c == 0x7f;
    const bool special = c < 0x80 && specials.find(static_cast<char>(c)) != std::string_view::npos;
    uint8_t bits = 0;
    if (!control && c < 0x80 && !special) bits |= kAtomChar | kAstringChar | kListChar | kTagChar;
    if (c == ']') bits |= kAstringChar | kListChar | kTagChar;
    if (c == '%' || c == '*') bits |= kListChar;
    if (c == '+') bits &= static_cast<uint8_t>(~kTagChar);
    if (c != '\r' && c != '\n' && c != '"' && c != '\\') bits |= kQuotedChar;
    if (c >= '0' && c <= '9') bits |= kDigit;
    table[static_cast<size_t>(c)] = bits;
  }
  return table;
}
inline constexpr std::array<uint8_t, 256> kCharClasses = make_char_classes();
}  // namespace detail

constexpr bool is_a(char c, CharClass what) {
  return (detail::kCharClasses[static_cast<uint8_t>(c)] & what) != 0;
}
/// Length of the longest start of `text` from one class.
constexpr size_t span_of(std::string_view text, CharClass what) {
  size_t n = 0;
  while (n < text.size() && is_a(text[n], what)) ++n;
  return n;
}
constexpr bool all_of(std::string_view text, CharClass what) {
  return !text.empty() && span_of(text, what) == text.size();
}

}  // namespace dromos::imapd
