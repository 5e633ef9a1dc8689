// A session with admind's REST: where it is, with which key, one request at a time.
#pragma once

#include <string>

#include "admind/ctl/arguments.h"
#include "common/http/client.h"

namespace dromos::admind::ctl {

/// "https://mail.example.org:8443" in parts.
struct Url {
  bool tls = false;
  std::string host;
  uint16_t port = 0;
};
Result<Url> parse_url(std::string_view text);

class Remote {
 public:
  /// --url, DROMOS_URL, or admind's base_url or first listener in --config; --token, --token-file,
  /// DROMOS_TOKEN;
  /// --ca FILE for certificates of an own authority.
  static Result<Remote> from(const Arguments& arguments);

  /// `target` below /api/v1.
  Result<http::ClientResponse> send(http::Method method, const std::string& target, std::string body,
                                    std::string content_type);

 private:
  http::ClientOptions options_;
  std::string token_;
};

}  // namespace dromos::admind::ctl
