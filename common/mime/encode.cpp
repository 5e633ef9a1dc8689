// Transfer and header encoders (RFC 2045 §6, RFC 2047 §2, RFC 2231 §4).
#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/encodings.h"

namespace dromos::mime {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";
constexpr size_t kLine = 76;
constexpr size_t kMaxTextLine = 998;  // RFC 5322 §2.1.1
constexpr size_t kWordPayload = 45;   // bytes of UTF-8 in one encoded word of at most 75 characters
constexpr size_t kParamPayload = 60;  // characters of a value in one RFC 2231 segment

void append_hex(std::string& out, char mark, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += mark;
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

bool is_param_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$&+-.^_`{|}~").find(c) != std::string_view::npos;
}

}  // namespace

std::string encode_base64_lines(std::string_view bytes) {
  const std::string text = base64(bytes);
  std::string out;
  out.reserve(text.size() + text.size() / kLine * 2 + 2);
  for (size_t i = 0; i < text.size(); i += kLine) {
    out.append(text, i, kLine);
    out += "\r\n";
  }
  return out;
}

std::string encode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) {
      i += c == '\r';
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool line_ends = i + 1 == text.size() || text[i + 1] == '\n' || text.substr(i + 1, 2) == "\r\n";
    const bool blank = c == ' ' || c == '\t';
    const bool safe = (c >= 33 && c <= 126 && c != '=') || (blank && !line_ends);
    const bool guard = column == 0 && (c == '.' || text.substr(i, 5) == "From ");
    const size_t width = safe && !guard ? 1 : 3;
    if (column + width > kLine - (line_ends ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (width == 1)
      out += c;
    else
      append_hex(out, '=', c);
    column += width;
  }
  return out;
}

std::string_view choose_encoding(std::string_view text) {
  size_t odd = 0, column = 0, longest = 0;
  bool control = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      column = 0;
      continue;
    }
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    longest = std::max(longest, ++column);
    if (static_cast<unsigned char>(c) >= 0x80) ++odd;
    if (c == '\0' || c == '\r') control = true;
  }
  if (odd == 0 && !control && longest <= kMaxTextLine) return "7bit";
  return odd * 3 > text.size() || control ? "base64" : "quoted-printable";
}

std::string encode_words(std::string_view utf8) {
  const bool plain = std::all_of(utf8.begin(), utf8.end(), [](char c) { return c >= 32 && c < 127; });
  if (plain && utf8.find("=?") == std::string_view::npos) return std::string(utf8);
  std::string out;
  const std::string clean = clean_utf8(utf8);
  std::string_view rest = clean;
  while (!rest.empty()) {
    std::string_view piece = utf8_prefix(rest, kWordPayload);
    if (piece.empty()) piece = rest.substr(0, kWordPayload);
    if (!out.empty()) out += "\r\n ";
    out += "=?utf-8?B?" + base64(piece) + "?=";
    rest.remove_prefix(piece.size());
  }
  return out;
}

std::string encode_param(std::string_view name, std::string_view utf8) {
  const bool plain = std::all_of(utf8.begin(), utf8.end(), [](char c) { return c >= 32 && c < 127; });
  if (plain && utf8.size() <= kParamPayload) {
    std::string out = std::string(name) + "=\"";
    for (const char c : utf8) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + '"';
  }
  std::vector<std::string> segments(1, "utf-8''");
  for (const char c : clean_utf8(utf8)) {
    if (segments.back().size() > kParamPayload) segments.emplace_back();
    if (is_param_char(c))
      segments.back() += c;
    else
      append_hex(segments.back(), '%', c);
  }
  if (segments.size() == 1) return std::string(name) + "*=" + segments[0];
  std::string out;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (i > 0) out += ";\r\n ";
    out += std::string(name) + "*" + std::to_string(i) + "*=" + segments[i];
  }
  return out;
}

}  // namespace dromos::mime
