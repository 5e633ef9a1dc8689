// Entity tags and preconditions (RFC 9110 §8.8.3, §13).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/headers.h"
#include "common/http/method.h"

namespace dromos::http {

/// Quoted strong tag; characters that a tag may not hold are dropped.
std::string make_etag(std::string_view opaque);
/// The first 16 bytes of SHA-256 as tag.
std::string etag_of_content(std::string_view content);

/// If-Match and If-None-Match against the current tag (empty: the resource does not exist).
/// 0: go on; 304: answer Not Modified (GET, HEAD); 412: refuse.
int check_preconditions(const Headers& request, Method method, std::string_view etag);

/// What a Range header asks of a representation of `size` bytes (RFC 9110 §14.2).
struct RangeAsked {
  enum class Kind { whole, part, unsatisfiable };
  Kind kind = Kind::whole;
  uint64_t first = 0;  ///< part: bytes first to last, both in it
  uint64_t last = 0;
};
/// One range of bytes; several, other units and broken headers ask for the whole, as does an If-Range
/// (§13.1.5) that does not name `etag`.
RangeAsked asked_range(const Headers& request, std::string_view etag, uint64_t size);

/// nosniff, frame and CSP denial, no-store, no-referrer, where the handler has not set its own; HSTS over
/// TLS.
void add_security_headers(Headers& headers, bool tls);

}  // namespace dromos::http
