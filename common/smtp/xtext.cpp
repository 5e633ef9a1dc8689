// xtext (RFC 3461 §4) and the utf-8 address forms of RFC 6533 §3.
#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/smtp/command.h"

namespace dromos::smtp {
namespace {

int upper_hex(char c) {
  if (is_digit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string xtext_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c > 32 && c < 127 && c != '+' && c != '=') {
      out.push_back(c);
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out.push_back('+');
    out.push_back(kHex[octet >> 4]);
    out.push_back(kHex[octet & 15]);
  }
  return out;
}

std::optional<std::string> xtext_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c <= 32 || c >= 127 || c == '=') return std::nullopt;
    if (c != '+') {
      out.push_back(c);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = upper_hex(text[i + 1]);
    const int low = upper_hex(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::optional<std::string> utf8_addr_decode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (!text.starts_with("\\x{")) {
      const char c = text.front();
      if (static_cast<unsigned char>(c) <= 32 || c == 127) return std::nullopt;
      out.push_back(c);
      text.remove_prefix(1);
      continue;
    }
    const size_t end = text.find('}');
    if (end == std::string_view::npos || end < 5 || end > 9) return std::nullopt;
    uint32_t point = 0;
    for (const char c : text.substr(3, end - 3)) {
      const int digit = upper_hex(c);
      if (digit < 0) return std::nullopt;
      point = point * 16 + static_cast<uint32_t>(digit);
    }
    if (point == 0 || !is_character(point)) return std::nullopt;
    append_utf8(out, point);
    text.remove_prefix(end + 1);
  }
  if (!is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace dromos::smtp
