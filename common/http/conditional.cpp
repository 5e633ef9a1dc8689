#include "common/http/conditional.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/crypto/crypto.h"

namespace dromos::http {
namespace {

/// True if the list holds `etag` (or "*" and it exists). Weak tags match only where `weak` allows.
bool tag_listed(std::string_view list, std::string_view etag, bool weak) {
  list = trim(list);
  if (list == "*") return !etag.empty();
  const auto opaque = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  while (!list.empty()) {
    // A tag may hold commas, so pieces are cut at its quotes.
    const size_t open = list.find('"');
    if (open == std::string_view::npos) return false;
    const size_t close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    const bool is_weak = open >= 2 && list.substr(open - 2, 2) == "W/";
    const std::string_view tag = list.substr(open, close - open + 1);
    const bool strong_ok = !is_weak && !etag.starts_with("W/");
    if (!etag.empty() && tag == opaque(etag) && (weak || strong_ok)) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

void set_default(Headers& headers, std::string_view name, std::string_view value) {
  if (!headers.has(name)) headers.add(name, value);
}

}  // namespace

std::string make_etag(std::string_view opaque) {
  std::string out = "\"";
  for (const char c : opaque)
    if (static_cast<unsigned char>(c) > 0x20 && c != '"' && c != 0x7f) out += c;
  return out + '"';
}

std::string etag_of_content(std::string_view content) {
  return make_etag(hex(crypto::as_bytes(crypto::sha256(content)).substr(0, 16)));
}

int check_preconditions(const Headers& request, Method method, std::string_view etag) {
  if (const auto match = request.get("if-match"); match && !tag_listed(*match, etag, false)) return 412;
  if (const auto none = request.get("if-none-match"); none && tag_listed(*none, etag, true))
    return method == Method::get || method == Method::head ? 304 : 412;
  return 0;
}

RangeAsked asked_range(const Headers& request, std::string_view etag, uint64_t size) {
  using Kind = RangeAsked::Kind;
  const RangeAsked whole;
  if (request.count("range") != 1) return whole;
  // A date is never equal to a strong tag; without one, what the client has cannot be compared.
  if (const auto since = request.get("if-range"); since && (etag.empty() || trim(*since) != etag))
    return whole;
  std::string_view text = trim(*request.get("range"));
  if (!istarts_with(text, "bytes=")) return whole;
  text = trim(text.substr(6));
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return whole;
  const std::string_view from = text.substr(0, dash), to = text.substr(dash + 1);
  const auto first = parse_number<uint64_t>(from), last = parse_number<uint64_t>(to);
  if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last)) return whole;
  if (!first) {  // the last so many bytes
    if (*last == 0 || size == 0) return {Kind::unsatisfiable, 0, 0};
    return {Kind::part, size - std::min(*last, size), size - 1};
  }
  if (last && *last < *first) return whole;
  if (*first >= size) return {Kind::unsatisfiable, 0, 0};
  return {Kind::part, *first, std::min(last.value_or(UINT64_MAX), size - 1)};
}

void add_security_headers(Headers& headers, bool tls) {
  set_default(headers, "X-Content-Type-Options", "nosniff");
  set_default(headers, "X-Frame-Options", "DENY");
  set_default(headers, "Referrer-Policy", "no-referrer");
  set_default(headers, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  set_default(headers, "Cache-Control", "no-store");
  if (tls) set_default(headers, "Strict-Transport-Security", "max-age=31536000");
}

}  // namespace dromos::http
