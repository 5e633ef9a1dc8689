#include "imapd/protocol/writer.h"

#include "common/base/strings.h"
#include "imapd/protocol/chars.h"
#include "imapd/protocol/mailbox_name.h"

namespace dromos::imapd {
namespace {

// Longer strings go as literals, which clients read into one buffer instead of scanning.
constexpr size_t kMaxQuoted = 1000;

struct Content {
  bool quotable = true;  // no CR, LF, NUL
  bool escapes = false;  // quote or backslash
  bool eight_bit = false;
};

Content inspect(std::string_view bytes) {
  Content content;
  for (const char c : bytes) {
    if (c == '\r' || c == '\n' || c == '\0') content.quotable = false;
    if (c == '"' || c == '\\') content.escapes = true;
    if (static_cast<uint8_t>(c) >= 0x80) content.eight_bit = true;
  }
  return content;
}

std::string_view status_name(Status status) {
  switch (status) {
    case Status::ok:
      return "OK ";
    case Status::no:
      return "NO ";
    case Status::bad:
      return "BAD ";
    case Status::bye:
      return "BYE ";
    case Status::preauth:
      return "PREAUTH ";
  }
  return "BAD ";
}

}  // namespace

std::string Writer::take() {
  std::string bytes = std::move(out_);
  out_.clear();
  return bytes;
}

Writer& Writer::string(std::string_view bytes) {
  if (bytes.size() > kMaxQuoted) return literal(bytes);
  const Content content = inspect(bytes);
  if (!content.quotable || (content.eight_bit && !(utf8_ && is_utf8(bytes)))) return literal(bytes);
  out_.push_back('"');
  if (!content.escapes) {
    out_.append(bytes);
  } else {
    for (const char c : bytes) {
      if (c == '"' || c == '\\') out_.push_back('\\');
      out_.push_back(c);
    }
  }
  out_.push_back('"');
  return *this;
}

Writer& Writer::nstring(std::optional<std::string_view> bytes) {
  return bytes ? string(*bytes) : nil();
}

Writer& Writer::astring(std::string_view bytes) {
  // NIL as an atom would read as nothing at all.
  if (bytes.size() <= kMaxQuoted && all_of(bytes, kAtomChar) && !iequals(bytes, "NIL")) return raw(bytes);
  return string(bytes);
}

Writer& Writer::mailbox(std::string_view name) {
  return utf8_ ? astring(name) : astring(utf8_to_utf7(name));
}

Writer& Writer::literal_head(uint64_t size, bool binary) {
  return raw(binary ? "~{" : "{").number(size).raw("}\r\n");
}

Writer& Writer::literal(std::string_view bytes, bool binary_allowed) {
  const bool binary = binary_allowed && bytes.find('\0') != std::string_view::npos;
  return literal_head(bytes.size(), binary).raw(bytes);
}

Writer& Writer::flags(uint8_t system, std::span<const std::string> keywords) {
  out_.push_back('(');
  append_flags(out_, system, keywords);
  out_.push_back(')');
  return *this;
}

Writer& Writer::date_time(DateTime when) {
  out_.push_back('"');
  append_date_time(out_, when);
  out_.push_back('"');
  return *this;
}

Writer& Writer::ranges(std::span<const uint32_t> sorted) {
  append_ranges(out_, sorted);
  return *this;
}

Writer& Writer::ranges(const NumberSet& set) {
  append_ranges(out_, set);
  return *this;
}

Writer& Writer::text(std::string_view human) {
  if (human.empty()) return raw("-");
  const bool keep_eight_bit = utf8_ && is_utf8(human);
  for (const char c : human) {
    const auto octet = static_cast<uint8_t>(c);
    const bool plain = octet >= 0x20 && octet != 0x7f && (octet < 0x80 || keep_eight_bit);
    out_.push_back(plain ? c : octet < 0x80 ? ' ' : '?');
  }
  return *this;
}

Writer& Writer::untagged_number(uint64_t number_value, std::string_view name) {
  return untagged().number(number_value).sp().raw(name).crlf();
}

Writer& Writer::response(std::string_view tag, Status status, std::string_view code, std::string_view human) {
  raw(tag.empty() ? "*" : tag).sp().raw(status_name(status));
  if (!code.empty())
    ch('[').raw(code).raw("] ");
  else if (!human.empty() && human[0] == '[')
    ch(' ');  // text that would read as a code
  return text(human).crlf();
}

Writer& Writer::continuation(std::string_view human) {
  return raw("+ ").text(human).crlf();
}

Writer& Writer::begin_fetch(uint32_t number_value) {
  first_item_ = true;
  return raw("* ").number(number_value).raw(" FETCH (");
}

Writer& Writer::begin_uid_fetch(uint32_t uid) {
  first_item_ = true;
  return raw("* ").number(uid).raw(" UIDFETCH (");
}

Writer& Writer::item(std::string_view name) {
  if (!first_item_) sp();
  first_item_ = false;
  return raw(name).sp();
}

}  // namespace dromos::imapd
