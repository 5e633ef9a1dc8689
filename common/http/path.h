// Percent-coding, paths and query strings of request targets (RFC 3986 §2.1, §3.3; WHATWG form encoding).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dromos::http {

inline constexpr size_t kMaxPathSegments = 64;
inline constexpr size_t kMaxQueryPairs = 256;

/// Nothing if an escape is broken or the result is not UTF-8 or holds a control character (%00, %0A).
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank = false);
/// Everything but the unreserved characters is escaped.
std::string percent_encode(std::string_view text);

/// "/a/b%20c/" gives {"a", "b c", ""}; split before decoding, so an encoded slash stays inside its segment.
/// Nothing if malformed or if a segment is "." or "..", or "" anywhere but at the end.
std::optional<std::vector<std::string>> split_path(std::string_view path);

/// "a=1&b=2"; nothing if malformed or beyond kMaxQueryPairs.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace dromos::http
