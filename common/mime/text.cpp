#include "common/mime/text.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/mime/body_parts.h"
#include "common/mime/charset.h"
#include "common/mime/encodings.h"
#include "common/mime/header.h"

namespace dromos::mime {
namespace {

// Raw bytes of a part worth reading for `limit` bytes of text.
size_t raw_needed(Encoding encoding, size_t limit) {
  return encoding == Encoding::quoted_printable ? limit * 3 + 3 : limit * 2 + 4;
}

std::string_view body_of(std::string_view raw, const Part& part) {
  return raw.substr(part.body_begin, part.body_size());
}

// One header line in search form; NUL and line breaks are gone after decode_text. False: some were left out.
bool append_header_lines(std::string& out, std::string_view header, size_t limit) {
  FieldReader reader(header.substr(0, kMaxHeaderBytes));
  for (size_t count = 0; count < kMaxHeaderFields && out.size() < limit; ++count) {
    const auto field = reader.next();
    if (!field) return header.size() <= kMaxHeaderBytes;
    append_folded(out, decode_words(field->name));
    out += ": ";
    append_folded(out, decode_text(field->value));
    out += '\n';
  }
  return !reader.next();
}

void append_without_cr(std::string& out, std::string_view folded_text) {
  for (size_t i = 0; i < folded_text.size();) {
    const size_t cr = std::min(folded_text.find('\r', i), folded_text.size());
    out.append(folded_text.substr(i, cr - i));
    i = cr + 1;
  }
}

// True if there was something to cut off.
bool cut(std::string& out, size_t limit) {
  if (out.size() <= limit) return false;
  out.resize(utf8_prefix(out, limit).size());
  return true;
}

/// NUL parts headers from body, and must not come from anywhere else.
void append_attached(std::string& out, std::string_view text) {
  const size_t room = kMaxSearchText - std::min(out.size(), kMaxSearchText);
  std::string some(utf8_prefix(text, room));
  std::replace(some.begin(), some.end(), '\0', ' ');
  append_folded(out, some);
  cut(out, kMaxSearchText);
  if (!out.ends_with('\n') && out.size() < kMaxSearchText) out += '\n';
}

}  // namespace

std::string part_text(std::string_view raw, const Part& part, const PartInfo& info, size_t limit,
                      bool* truncated) {
  const auto note = [truncated](bool more) {
    if (more && truncated != nullptr) *truncated = true;
  };
  const Encoding encoding = encoding_of(info.encoding ? std::string_view(*info.encoding) : "");
  const std::string_view body = body_of(raw, part).substr(0, raw_needed(encoding, limit));
  const bool html = info.is("text", "html");
  std::string charset = info.charset();
  if (encoding == Encoding::identity) {
    note(part.body_size() > limit);
    if (charset.empty() && html) charset = html_charset(body);
    return to_utf8(body.substr(0, limit), charset);
  }
  std::string bytes = decode(encoding, body);
  note(bytes.size() > limit || body.size() < part.body_size());
  if (bytes.size() > limit) bytes.resize(limit);
  if (charset.empty() && html) charset = html_charset(bytes);
  return to_utf8(bytes, charset);
}

std::string search_text(std::string_view raw, const Facts& facts, bool* truncated) {
  return search_text(raw, facts, {}, truncated);
}

std::string search_text(std::string_view raw, const Facts& facts, std::span<const AttachedText> attached,
                        bool* truncated) {
  std::string out;
  bool less = false;
  out.reserve(std::min<size_t>(raw.size() + raw.size() / 4, kMaxSearchText) + 256);
  const Part& root = facts.tree.root();
  less |= !append_header_lines(out, raw.substr(0, root.body_begin), kMaxSearchText);
  less |= cut(out, kMaxSearchText - 1);
  out += '\0';
  size_t i = 0;
  for (; i < facts.tree.parts.size() && out.size() < kMaxSearchText; ++i) {
    const Part& part = facts.tree.parts[i];
    const PartInfo& info = facts.info[i];
    if (part.parent != kNoPart && facts.tree.parts[part.parent].kind == PartKind::message)
      less |= !append_header_lines(out, raw.substr(part.header_begin, part.header_size()), kMaxSearchText);
    if (part.kind != PartKind::leaf) continue;
    if (const std::string name = info.filename(); !name.empty()) {
      append_folded(out, name);
      out += '\n';
    }
    for (const AttachedText& one : attached)
      if (one.part == i) append_attached(out, one.text);
    if (!info.is_text() && !info.is("message")) continue;
    const size_t room = kMaxSearchText - std::min(out.size(), kMaxSearchText);
    const bool html = info.is("text", "html");
    const std::string text = part_text(raw, part, info, html ? kMaxHtml : room, &less);
    if (html) {
      const std::string words = html_to_text(text, room);
      less |= words.size() >= room || text.size() > kMaxHtml;
      append_folded(out, words);
    } else if (text.find('\r') == std::string::npos) {
      append_folded(out, text);
    } else {
      std::string lines;
      lines.reserve(text.size());
      append_without_cr(lines, text);
      append_folded(out, lines);
    }
    if (!out.ends_with('\n')) out += '\n';
  }
  less |= i < facts.tree.parts.size();
  less |= cut(out, kMaxSearchText);
  if (truncated != nullptr) *truncated = less;
  return out;
}

SearchText split_search_text(std::string_view text) {
  const size_t mark = text.find('\0');
  if (mark == std::string_view::npos) return {text, {}};
  return {text.substr(0, mark), text.substr(mark + 1)};
}

bool search_header(std::string_view headers, std::string_view folded_name, std::string_view folded_needle) {
  while (!headers.empty()) {
    const size_t end = std::min(headers.find('\n'), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 1, headers.size()));
    if (line.size() < folded_name.size() + 2 || !line.starts_with(folded_name) ||
        line.substr(folded_name.size(), 2) != ": ")
      continue;
    if (line.find(folded_needle, folded_name.size() + 2) != std::string_view::npos) return true;
  }
  return false;
}

std::string readable_text(std::string_view raw, const PartTree& tree, const std::vector<PartInfo>& info,
                          size_t limit) {
  std::string out;
  for (const uint32_t index : body_parts(tree, info).text) {
    if (out.size() >= limit) break;
    if (!info[index].is_text()) continue;
    const size_t room = limit - out.size();
    const bool html = info[index].is("text", "html");
    // Markup takes most of an HTML part: read more of it than is wanted of text.
    const std::string text =
        part_text(raw, tree.parts[index], info[index], html ? std::min(room * 16, kMaxHtml) : room);
    if (!out.empty() && !out.ends_with('\n')) out += '\n';
    if (html)
      out += html_to_text(text, room);
    else
      append_without_cr(out, text);
  }
  cut(out, limit);
  return out;
}

std::string readable_text(std::string_view raw, const Facts& facts, size_t limit) {
  return readable_text(raw, facts.tree, facts.info, limit);
}

std::string preview_of(std::string_view text, size_t chars) {
  std::string out;
  size_t count = 0;
  bool space = false;
  for (size_t i = 0; i < text.size() && count < chars; ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 127) {
      space = true;
      continue;
    }
    if (space && !out.empty()) {
      out += ' ';
      if (++count == chars) break;
    }
    space = false;
    out += c;
    if (byte >= 0x80)
      while (i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xc0) == 0x80)
        out += text[++i];
    ++count;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace dromos::mime
