// Problem details (RFC 9457) as the body of every error answer, and the mapping from Error to status.
#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/http/message.h"

namespace dromos::http {

/// `type` is a URI or URN, default "about:blank"; detail may be empty. 503 and 429 get Retry-After.
Response problem(int status, std::string_view detail, std::string_view type = {});
/// Text of internal errors is not shown to the client.
Response problem(const Error& error);
/// permanent/temporary and Errc to 4xx/5xx.
int status_of(const Error& error);

/// A JSON string literal with its quotes; bad UTF-8 is replaced.
std::string json_quote(std::string_view text);

}  // namespace dromos::http
