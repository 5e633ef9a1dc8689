// Marks found words in text (RFC 8621 §5): HTML-escaped, matches between <mark> and </mark>. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::jmapd {

/// RFC 8621 §5: a preview is never longer, in octets.
inline constexpr size_t kMaxSnippet = 255;
/// Of a body, where matches are looked for.
inline constexpr size_t kMaxSnippetText = 256 * 1024;

/// The whole text with every match marked; nothing if there is none. `words` are folded, `text` is UTF-8.
std::optional<std::string> mark_all(std::string_view text, const std::vector<std::string>& words);
/// One line of at most kMaxSnippet octets around the first match.
std::optional<std::string> mark_around(std::string_view text, const std::vector<std::string>& words);

}  // namespace dromos::jmapd
