// Characters of UTF-8 (RFC 3629 §3), read and written one at a time. Nothing is refused: what is not
// well-formed (surrogates, overlong forms, what lies beyond U+10FFFF) is read as U+FFFD for each octet and
// written as U+FFFD. Whole texts: is_utf8 and clean_utf8 of strings.h.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dromos {

inline constexpr char32_t kReplacement = 0xFFFD;

/// Not a surrogate, not too large.
constexpr bool is_character(char32_t c) {
  return c < 0xD800 || (c >= 0xE000 && c <= 0x10FFFF);
}

/// Octets of the character at `at`, which lies inside `text`; 0: it is not well-formed.
inline size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size() - at) return 0;
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return length;
}

/// The character at `at`, which is moved behind it.
inline char32_t next_character(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const size_t length = utf8_length(text, at);
  if (length == 0) {
    ++at;
    return kReplacement;
  }
  char32_t c = lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) c = c << 6U | (byte(i) & 0x3FU);
  at += length;
  return c;
}

inline void append_utf8(std::string& out, char32_t c) {
  if (!is_character(c)) c = kReplacement;
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    out += static_cast<char>(0xC0U | c >> 6U);
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xE0U | c >> 12U);
    } else {
      out += static_cast<char>(0xF0U | c >> 18U);
      out += static_cast<char>(0x80U | (c >> 12U & 0x3FU));
    }
    out += static_cast<char>(0x80U | (c >> 6U & 0x3FU));
  }
  out += static_cast<char>(0x80U | (c & 0x3FU));
}

}  // namespace dromos
