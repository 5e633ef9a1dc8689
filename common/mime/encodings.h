// Content transfer encodings (RFC 2045 §6): tolerant streaming decoders, exact encoders.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dromos::mime {

enum class Encoding : uint8_t { identity, base64, quoted_printable, uuencode, unknown };

/// 7bit, 8bit and binary are identity; unknown names are `unknown` (to be treated as octets).
Encoding encoding_of(std::string_view name);

/// Decodes chunks; same output however the input is cut. Bad bytes are skipped (base64) or kept (QP);
/// `damaged()` tells. Output is appended.
class Decoder {
 public:
  explicit Decoder(Encoding encoding) : encoding_(encoding) {}
  void feed(std::string_view chunk, std::string& out);
  void finish(std::string& out);
  bool damaged() const { return damaged_; }

 private:
  void base64(std::string_view chunk, std::string& out);
  void quoted_printable(std::string_view chunk, std::string& out);
  void uuencode(std::string_view chunk, std::string& out);
  void qp_line_end(std::string& out);
  void uu_line(std::string& out);

  Encoding encoding_;
  bool damaged_ = false;
  uint32_t bits_ = 0;
  int count_ = 0;
  bool ended_ = false;
  bool begun_ = false;
  std::string pending_;
};

std::string decode(Encoding encoding, std::string_view bytes, bool* damaged = nullptr);

/// Base64 in lines of 76 with CRLF, last line ended too (RFC 2045 §6.8).
std::string encode_base64_lines(std::string_view bytes);
/// Quoted-printable text: CRLF and LF are line breaks, lines at most 76, trailing blanks and "From " safe.
std::string encode_quoted_printable(std::string_view text);
/// Cheapest encoding for text with lines under 998 bytes: "7bit", "quoted-printable" or "base64".
std::string_view choose_encoding(std::string_view text);
/// RFC 2047 encoded words for an unstructured value if it needs them (UTF-8, split at characters, <= 75 each,
/// joined by "\r\n "), else the text itself.
std::string encode_words(std::string_view utf8);
/// RFC 2231 §4 `name*=utf-8''...` or `name="..."` with continuations when long, each "\r\n " separated by
/// ';'.
std::string encode_param(std::string_view name, std::string_view utf8);

}  // namespace dromos::mime
