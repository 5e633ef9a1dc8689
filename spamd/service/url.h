// URLs in mail: host, domain and path, read as tolerantly as mail programs do. Nothing is ever resolved.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dromos::spamd {

struct Url {
  std::string scheme;  ///< lower case; "mailto" keeps the address's domain as host
  std::string host;    ///< lower case; empty if there is none
  std::string_view path;
  bool has_user = false;
  bool has_port = false;
  bool ip_host = false;
};

/// `path` points into `text`.
Url parse_url(std::string_view text);

/// "a.b.example.co.uk" -> "example.co.uk": two labels, three where the second is a short public one. No list
/// of suffixes: an error groups some hosts too coarsely, no more.
std::string registered_domain(std::string_view host);

/// URLs in plain text ("http://", "https://", "www."), at most `limit`; views into `text`.
std::vector<std::string_view> find_urls(std::string_view text, size_t limit);

}  // namespace dromos::spamd
