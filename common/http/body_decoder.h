// Message bodies: none, Content-Length, chunked (RFC 9112 §7.1), until close (responses). Pieces are views
// into the bytes fed. Strict where parsers are known to differ: sizes are 1-15 hex digits and nothing else
// before `;` or CRLF, lines end in CRLF, chunk extensions and trailers are checked, bounded and dropped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/head_reader.h"

namespace dromos::http {

struct BodyLimits {
  uint64_t bytes = 10 * 1024 * 1024;     // what the body may hold until set_limit() says otherwise
  size_t chunk_line_bytes = 256;         // size, extension and CRLF of one chunk
  size_t chunk_extension_bytes = 16384;  // of all chunks of a body
  size_t trailer_bytes = 8192;
  size_t trailer_fields = 50;
};

enum class BodyKind { none, fixed, chunked, until_close };

class BodyDecoder {
 public:
  enum class State { need_more, data, end, error };

  explicit BodyDecoder(const BodyLimits& limits);
  void start(BodyKind kind, uint64_t length = 0);
  void set_limit(uint64_t bytes) { limit_ = bytes; }

  /// At most one piece (`data`), the end, or an error. `consumed` of the bytes are done with.
  State feed(std::string_view bytes, size_t& consumed, std::string_view& data);

  BodyKind kind() const { return kind_; }
  /// Offset counts from the first byte of the body.
  const ParseError& error() const { return error_; }

 private:
  enum class Phase { size_line, chunk_data, chunk_end, trailer, done, failed };
  State feed_plain(std::string_view bytes, size_t& consumed, std::string_view& data);
  State feed_chunked(std::string_view bytes, size_t& consumed, std::string_view& data);
  State take_piece(std::string_view bytes, size_t& consumed, std::string_view& data);
  /// Gathers one line; true when `line_` is whole.
  bool gather_line(std::string_view bytes, size_t& consumed, size_t max);
  bool end_size_line();
  bool end_trailer_line();
  State fail(int status, size_t offset, const char* text);

  BodyLimits limits_;
  uint64_t limit_;
  BodyKind kind_ = BodyKind::none;
  Phase phase_ = Phase::done;
  uint64_t left_ = 0;      // of the fixed body or current chunk
  uint64_t received_ = 0;  // body bytes given out
  size_t offset_ = 0;      // message bytes consumed
  size_t extension_bytes_ = 0, trailer_bytes_ = 0, trailer_fields_ = 0;
  std::string line_;
  ParseError error_;
};

}  // namespace dromos::http
