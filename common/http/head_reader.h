// Gathers the start line and header fields of one message and checks every line as it ends: CRLF only, no
// obs-fold (RFC 9112 §5.2), no control bytes, token names directly followed by the colon, bounds. What passes
// is then split by http_parser (http_parser_wrapper.h), which therefore never sees a line it would read
// loosely.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dromos::http {

/// Why a message was refused: the status to answer, where in the message, and a fixed text.
struct ParseError {
  int status = 0;
  size_t offset = 0;
  const char* text = "";
};

class HeadReader {
 public:
  enum class State { need_more, done, error };

  HeadReader(size_t max_bytes, size_t max_fields, size_t max_start_line);

  /// Takes bytes up to the end of the head; `consumed` tells how many.
  State feed(std::string_view bytes, size_t& consumed);
  void reset();
  bool empty() const { return bytes_.empty(); }

  /// After done: the whole head, final CRLF CRLF included.
  std::string_view bytes() const { return bytes_; }
  std::string_view start_line() const { return std::string_view(bytes_).substr(0, start_line_size_); }
  size_t fields() const { return fields_; }
  const ParseError& error() const { return error_; }

 private:
  bool check_size();
  State end_line();
  State fail(int status, const char* text);

  size_t max_bytes_, max_fields_, max_start_line_;
  std::string bytes_;
  size_t line_start_ = 0;
  size_t start_line_size_ = 0;
  size_t fields_ = 0;
  size_t skipped_ = 0;  // an empty line before the request line (RFC 9112 §2.2)
  ParseError error_;
};

/// One header line without its CRLF: nullptr, or what is wrong with it.
const char* check_field_line(std::string_view line);

}  // namespace dromos::http
