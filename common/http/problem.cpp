#include "common/http/problem.h"

#include <cstdio>

#include "common/base/strings.h"

namespace dromos::http {

std::string json_quote(std::string_view text) {
  const std::string clean = is_utf8(text) ? std::string(text) : clean_utf8(text);
  std::string out = "\"";
  for (const char c : clean) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

Response problem(int status, std::string_view detail, std::string_view type) {
  std::string body = "{\"type\":" + json_quote(type.empty() ? "about:blank" : type) +
                     ",\"title\":" + json_quote(reason_phrase(status)) +
                     ",\"status\":" + std::to_string(status);
  if (!detail.empty()) body += ",\"detail\":" + json_quote(detail);
  body += "}\n";
  Response out(status, "application/problem+json", std::move(body));
  if (status == 503 || status == 429) out.headers.add("Retry-After", "5");
  return out;
}

int status_of(const Error& error) {
  switch (error.retry()) {
    case Retry::timeout:
      return 504;
    case Retry::temporary:
    case Retry::cancelled:
      return 503;
    case Retry::permanent:
      break;
  }
  if (error.is(Errc::invalid_argument)) return 400;
  if (error.is(Errc::not_found)) return 404;
  if (error.is(Errc::already_exists) || error.is(Errc::conflict)) return 409;
  if (error.is(Errc::permission_denied)) return 403;
  if (error.is(Errc::limit_exceeded)) return 413;
  if (error.is(Errc::unavailable)) return 503;
  if (error.is(Errc::timeout)) return 504;
  return 500;
}

Response problem(const Error& error) {
  const int status = status_of(error);
  return problem(status, status >= 500 ? std::string_view{} : std::string_view(error.message()));
}

}  // namespace dromos::http
