#include "jmapd/service/snippet.h"

#include <algorithm>

#include "common/mime/charset.h"

namespace dromos::jmapd {
namespace {

constexpr std::string_view kOpen = "<mark>", kClose = "</mark>";
/// What of the text before the first match is shown, at most.
constexpr size_t kBefore = 60;

struct Range {
  size_t begin;
  size_t end;
};

/// Bytes of the character that begins at `at`.
size_t character(std::string_view text, size_t at) {
  size_t end = at + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return end - at;
}

/// Folded text, and of each of its bytes where the character it came from begins.
struct Folded {
  std::string text;
  std::vector<uint32_t> origin;
};

Folded fold(std::string_view text) {
  Folded out;
  out.text.reserve(text.size());
  out.origin.reserve(text.size() + 1);
  for (size_t at = 0; at < text.size();) {
    const size_t size = character(text, at);
    if (size == 1)
      out.text += text[at] >= 'A' && text[at] <= 'Z' ? static_cast<char>(text[at] + 32) : text[at];
    else
      mime::append_folded(out.text, text.substr(at, size));
    out.origin.resize(out.text.size(), static_cast<uint32_t>(at));
    at += size;
  }
  out.origin.push_back(static_cast<uint32_t>(text.size()));
  return out;
}

/// Where words stand in `text`, in order, none touching the next.
std::vector<Range> find_words(std::string_view text, const std::vector<std::string>& words) {
  const Folded folded = fold(text);
  std::vector<Range> found;
  for (const std::string& word : words) {
    if (word.empty()) continue;
    for (size_t at = 0; (at = folded.text.find(word, at)) != std::string::npos; at += word.size()) {
      const size_t begin = folded.origin[at];
      const size_t last = folded.origin[at + word.size() - 1];
      found.push_back({begin, last + character(text, last)});
    }
  }
  std::sort(found.begin(), found.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<Range> merged;
  for (const Range& range : found) {
    if (!merged.empty() && range.begin <= merged.back().end)
      merged.back().end = std::max(merged.back().end, range.end);
    else
      merged.push_back(range);
  }
  return merged;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

std::string marked(std::string_view text, Range range) {
  std::string out(kOpen);
  append_escaped(out, text.substr(range.begin, range.end - range.begin));
  return out += kClose;
}

/// As much of `text` as still fits, character by character; false once one does not.
bool append_fitting(std::string& out, std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t size = character(text, at);
    std::string one;
    append_escaped(one, text.substr(at, size));
    if (out.size() + one.size() > kMaxSnippet) return false;
    out += one;
    at += size;
  }
  return true;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
    if (!blank)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return out;
}

/// Where to begin so that some words before the match are seen.
size_t beginning(std::string_view line, size_t match) {
  if (match <= kBefore) return 0;
  const size_t blank = line.find(' ', match - kBefore);
  if (blank != std::string_view::npos && blank < match) return blank + 1;
  size_t at = match - kBefore;
  while (at < match && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80) ++at;
  return at;
}

}  // namespace

std::optional<std::string> mark_all(std::string_view text, const std::vector<std::string>& words) {
  const auto found = find_words(text, words);
  if (found.empty()) return std::nullopt;
  std::string out;
  size_t at = 0;
  for (const Range& range : found) {
    append_escaped(out, text.substr(at, range.begin - at));
    out += marked(text, range);
    at = range.end;
  }
  append_escaped(out, text.substr(at));
  return out;
}

std::optional<std::string> mark_around(std::string_view text, const std::vector<std::string>& words) {
  const std::string line = one_line(mime::utf8_prefix(text, kMaxSnippetText));
  const auto found = find_words(line, words);
  if (found.empty()) return std::nullopt;
  std::string out;
  size_t at = beginning(line, found.front().begin);
  for (const Range& whole : found) {
    Range range = whole;
    if (!append_fitting(out, std::string_view(line).substr(at, range.begin - at)) && &whole != &found.front())
      return out;
    std::string match = marked(line, range);
    if (&whole == &found.front() && out.size() + match.size() > kMaxSnippet) out.clear();
    // A match that fills the snippet alone is shown cut.
    while (out.empty() && match.size() > kMaxSnippet) {
      range.end =
          range.begin +
          mime::utf8_prefix(std::string_view(line).substr(range.begin), (range.end - range.begin) / 2).size();
      match = marked(line, range);
    }
    if (out.size() + match.size() > kMaxSnippet) return out;
    out += match;
    at = range.end;
  }
  append_fitting(out, std::string_view(line).substr(at));
  return out;
}

}  // namespace dromos::jmapd
