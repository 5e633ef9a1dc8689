#include "spamd/service/url.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::spamd {

namespace {
constexpr size_t kMaxHost = 255;
}

Url parse_url(std::string_view text) {
  Url url;
  const size_t colon = text.find(':');
  if (text.starts_with("//")) {
    url.scheme = "http";
    text.remove_prefix(2);
  } else {
    if (colon == text.npos || colon > 12) return url;
    url.scheme = to_lower(text.substr(0, colon));
    text.remove_prefix(colon + 1);
    if (url.scheme == "mailto") {
      const size_t at = text.find('@');
      if (at == text.npos) return url;
      const size_t end = text.find_first_of("?>\"' \t\r\n", at);
      url.host =
          to_lower(text.substr(at + 1, std::min(kMaxHost, (end == text.npos ? text.size() : end) - at - 1)));
      return url;
    }
    while (text.starts_with('/') || text.starts_with('\\')) text.remove_prefix(1);
  }
  const size_t end = std::min(text.find_first_of("/?#\\ \t\r\n\"'<>"), text.size());
  std::string_view authority = text.substr(0, end);
  url.path = text.substr(end);
  if (const size_t at = authority.rfind('@'); at != authority.npos) {
    url.has_user = true;
    authority.remove_prefix(at + 1);
  }
  if (const size_t port = authority.rfind(':');
      port != authority.npos && authority.find(']') == authority.npos) {
    url.has_port = true;
    authority = authority.substr(0, port);
  }
  while (authority.ends_with('.')) authority.remove_suffix(1);
  url.host = to_lower(authority.substr(0, kMaxHost));
  url.ip_host = !url.host.empty() && url.host.find_first_not_of("0123456789.x") == url.host.npos;
  return url;
}

std::string registered_domain(std::string_view host) {
  const size_t last = host.rfind('.');
  if (last == host.npos || last == 0) return std::string(host);
  const size_t second = host.rfind('.', last - 1);
  if (second == host.npos) return std::string(host);
  const std::string_view middle = host.substr(second + 1, last - second - 1);
  static constexpr std::string_view kPublic[] = {"co",  "com", "net", "org", "ac",
                                                 "gov", "edu", "or",  "ne",  "go"};
  const bool deep = host.size() - last - 1 == 2 &&
                    std::find(std::begin(kPublic), std::end(kPublic), middle) != std::end(kPublic);
  if (!deep || second == 0) return std::string(host.substr(second + 1));
  const size_t third = host.rfind('.', second - 1);
  return std::string(third == host.npos ? host : host.substr(third + 1));
}

std::vector<std::string_view> find_urls(std::string_view text, size_t limit) {
  std::vector<std::string_view> urls;
  size_t at = 0;
  // Each needle is searched again only once the scan has passed its last find: linear whatever the text.
  size_t scheme = text.find("://");
  size_t www = text.find("www.");
  while (urls.size() < limit) {
    if (scheme != text.npos && scheme < at) scheme = text.find("://", at);
    if (www != text.npos && www < at) www = text.find("www.", at);
    if (scheme == text.npos && www == text.npos) break;
    size_t begin;
    if (scheme < www) {
      begin = scheme;
      while (begin > at && scheme - begin < 8 && is_alpha(text[begin - 1])) --begin;
      at = scheme + 3;
    } else {
      begin = www;
      at = www + 4;
      if (begin > 0 && (is_alpha(text[begin - 1]) || text[begin - 1] == '@')) continue;
    }
    size_t end = std::min(text.find_first_of(" \t\r\n\"'<>()[]{}|`", at), text.size());
    at = end;
    while (end > begin && std::string_view(".,;:!?*_").find(text[end - 1]) != std::string_view::npos) --end;
    urls.push_back(text.substr(begin, end - begin));
  }
  return urls;
}

}  // namespace dromos::spamd
