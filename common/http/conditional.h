// Entity tags and preconditions (RFC 9110 §8.8.3, §13).
#pragma once

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

/// nosniff, frame and CSP denial, no-store, no-referrer, where the handler has not set its own; HSTS over
/// TLS.
void add_security_headers(Headers& headers, bool tls);

}  // namespace dromos::http
