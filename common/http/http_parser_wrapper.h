// The only place that knows the http_parser library: it splits a head that HeadReader has passed.
// Bodies are decoded by BodyDecoder, because http_parser takes line feeds inside chunk extensions.
#pragma once

#include <optional>
#include <string_view>

#include "common/http/headers.h"
#include "common/http/method.h"

namespace dromos::http {

struct RawHead {
  std::optional<Method> method;  // requests; absent if the method is none of ours
  std::string_view target;       // requests; points into the bytes given
  int status = 0;                // responses
  int version_major = 0;
  int version_minor = 0;
};

/// nullptr, or what http_parser says is wrong. `head` ends in CRLF CRLF; fields are appended to `headers`.
const char* split_request_head(std::string_view head, RawHead& out, Headers& headers);
const char* split_response_head(std::string_view head, RawHead& out, Headers& headers);

}  // namespace dromos::http
