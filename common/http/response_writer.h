// The head of a response and its framing (RFC 9112 §6): fixed length, chunked, or until close for HTTP/1.0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/message.h"

namespace dromos::http {

struct ResponseFrame {
  Method method = Method::get;  // of the request: HEAD answers have no body
  int version_minor = 1;
  bool keep_alive = true;
  std::optional<uint64_t> size;  // of the body; unknown: chunked or until close

  // Filled by write_head():
  bool chunked = false;
  bool send_body = true;
};

/// Appends status line and fields to `out`. Sets keep_alive to false where the body ends by closing.
void write_head(std::string& out, const Response& response, ResponseFrame& frame);
/// "1a\r\n"; the data and CRLF follow.
void write_chunk_head(std::string& out, size_t size);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7), of the process's clock.
std::string_view http_date_now();

}  // namespace dromos::http
