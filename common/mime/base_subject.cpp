// RFC 5256 §2.1: the subject without reply and forward marks.
#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/header.h"

namespace dromos::mime {
namespace {

constexpr size_t kMaxSubject = 4096;  // the rules below look at a text more than once

std::string collapse_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = is_space(c);
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

void skip_blanks(std::string_view text, size_t& at) {
  while (at < text.size() && text[at] == ' ') ++at;
}

// subj-blob = "[" *BLOBCHAR "]" *WSP
bool skip_blob(std::string_view text, size_t& at) {
  if (at >= text.size() || text[at] != '[') return false;
  const size_t stop = text.find_first_of("[]", at + 1);
  if (stop == std::string_view::npos || text[stop] == '[') return false;
  at = stop + 1;
  skip_blanks(text, at);
  return true;
}

// subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
bool skip_refwd(std::string_view text, size_t& at) {
  const std::string_view rest = text.substr(at);
  size_t i = at;
  if (istarts_with(rest, "re"))
    i += 2;
  else if (istarts_with(rest, "fwd"))
    i += 3;
  else if (istarts_with(rest, "fw"))
    i += 2;
  else
    return false;
  skip_blanks(text, i);
  skip_blob(text, i);
  if (i >= text.size() || text[i] != ':') return false;
  at = i + 1;
  skip_blanks(text, at);
  return true;
}

bool strip_trailer(std::string_view& text) {
  constexpr std::string_view kForwarded = "(fwd)";
  while (text.ends_with(' ')) text.remove_suffix(1);
  if (text.size() < kForwarded.size() || !iequals(text.substr(text.size() - kForwarded.size()), kForwarded))
    return false;
  text.remove_suffix(kForwarded.size());
  return true;
}

bool strip_leader(std::string_view& text) {
  size_t at = 0;
  skip_blanks(text, at);
  while (skip_blob(text, at)) {
  }
  if (!skip_refwd(text, at)) return false;
  text.remove_prefix(at);
  return true;
}

bool strip_blob(std::string_view& text) {
  size_t at = 0;
  if (!skip_blob(text, at) || at >= text.size()) return false;
  text.remove_prefix(at);
  return true;
}

}  // namespace

BaseSubject base_subject(std::string_view decoded_subject) {
  const std::string collapsed = collapse_blanks(utf8_prefix(decoded_subject, kMaxSubject));
  std::string_view text = collapsed;
  BaseSubject out;
  while (true) {
    while (strip_trailer(text)) out.reply_or_forward = true;
    bool changed = true;
    while (changed) {
      changed = false;
      while (strip_leader(text)) changed = out.reply_or_forward = true;
      if (strip_blob(text)) changed = true;
    }
    constexpr std::string_view kWrapped = "[fwd:";
    if (!istarts_with(text, kWrapped) || !text.ends_with(']')) break;
    text = text.substr(kWrapped.size(), text.size() - kWrapped.size() - 1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    out.reply_or_forward = true;
  }
  out.text = std::string(trim(text));
  return out;
}

}  // namespace dromos::mime
