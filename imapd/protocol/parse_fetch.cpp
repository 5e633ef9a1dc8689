// FETCH: items, sections and modifiers (RFC 9051 §6.4.5, RFC 3501 for RFC822 and friends, RFC 3516, RFC 7162,
// RFC 8474, RFC 8514, RFC 8970, RFC 9394).
#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

using Kind = FetchItem::Kind;

struct ItemName {
  std::string_view name;
  Kind kind;
  bool peek = false;
};
constexpr std::array<ItemName, 19> kItems{{{"FLAGS", Kind::flags},
                                           {"UID", Kind::uid},
                                           {"ENVELOPE", Kind::envelope},
                                           {"BODYSTRUCTURE", Kind::body_structure},
                                           {"INTERNALDATE", Kind::internal_date},
                                           {"RFC822.SIZE", Kind::rfc822_size},
                                           {"RFC822.HEADER", Kind::rfc822_header, true},
                                           {"RFC822.TEXT", Kind::rfc822_text},
                                           {"RFC822", Kind::rfc822},
                                           {"BODY", Kind::body},
                                           {"BODY.PEEK", Kind::body_section, true},
                                           {"BINARY", Kind::binary},
                                           {"BINARY.PEEK", Kind::binary, true},
                                           {"BINARY.SIZE", Kind::binary_size, true},
                                           {"MODSEQ", Kind::modseq},
                                           {"PREVIEW", Kind::preview},
                                           {"EMAILID", Kind::email_id},
                                           {"THREADID", Kind::thread_id},
                                           {"SAVEDATE", Kind::save_date}}};

FetchItem plain(Kind kind) {
  FetchItem item;
  item.kind = kind;
  return item;
}

bool parse_fields(Lexer& lexer, Section& section) {
  return lexer.sp() && parse_parenthesised(lexer, false, [&] {
           if (section.fields.size() == kMaxHeaderFields) return lexer.fail("Too many header fields");
           return lexer.astring(section.fields.emplace_back());
         });
}

/// "1.2." or "1.2"; true if a specifier may follow.
bool parse_part(Lexer& lexer, Section& section, bool& more) {
  more = true;
  while (is_digit(lexer.peek())) {
    if (section.part.size() == kMaxPartDepth) return lexer.fail("Too many levels in a section");
    if (!lexer.nz_number(section.part.emplace_back())) return false;
    more = lexer.eat('.');
    if (!more) break;
  }
  return true;
}

/// After "[", up to and with "]".
bool parse_section(Lexer& lexer, Section& section, bool specifiers) {
  bool more = true;
  if (!parse_part(lexer, section, more)) return false;
  const bool wants_word = more && (!section.part.empty() || lexer.peek() != ']');
  if (wants_word) {
    if (!specifiers) return lexer.fail("Expected a part number");
    const size_t start = lexer.offset();
    const std::string_view word = lexer.word();
    if (iequals(word, "HEADER")) {
      section.what = Section::What::header;
    } else if (iequals(word, "TEXT")) {
      section.what = Section::What::text;
    } else if (iequals(word, "MIME") && !section.part.empty()) {
      section.what = Section::What::mime;
    } else if (iequals(word, "HEADER.FIELDS") || iequals(word, "HEADER.FIELDS.NOT")) {
      section.what = word.size() == 13 ? Section::What::header_fields : Section::What::header_fields_not;
      if (!parse_fields(lexer, section)) return false;
    } else {
      return lexer.fail_at(start, "Unknown section");
    }
  }
  return lexer.expect(']', "Section is not closed");
}

/// RFC 9051 §9 partial: "<" number64 "." nz-number64 ">".
bool parse_partial(Lexer& lexer, FetchItem& item) {
  if (!lexer.eat('<')) return true;
  auto& [first, count] = item.partial.emplace();
  if (!lexer.number64(first) || !lexer.expect('.', "Expected the length of the partial")) return false;
  const size_t start = lexer.offset();
  if (!lexer.number64(count)) return false;
  if (count == 0) return lexer.fail_at(start, "Number must not be 0");
  return lexer.expect('>', "Partial is not closed");
}

bool parse_brackets(Lexer& lexer, FetchItem& item) {
  const bool binary = item.kind != Kind::body_section;
  if (!lexer.expect('[', "Expected a section")) return false;
  if (!parse_section(lexer, item.section, !binary)) return false;
  return item.kind == Kind::binary_size || parse_partial(lexer, item);
}

bool parse_preview(Lexer& lexer, FetchItem& item) {
  if (!lexer.eat_sp_before('(')) return true;
  return parse_parenthesised(lexer, false, [&] {
    if (lexer.eat_word("LAZY")) return item.lazy = true;
    return lexer.fail("Unknown PREVIEW modifier");
  });
}

bool parse_item(Lexer& lexer, FetchItem& item) {
  const size_t start = lexer.offset();
  const std::string_view word = lexer.word();
  const auto known = std::find_if(kItems.begin(), kItems.end(),
                                  [word](const ItemName& entry) { return iequals(entry.name, word); });
  if (word.empty() || known == kItems.end()) return lexer.fail_at(start, "Unknown FETCH item");
  item.kind = known->kind;
  item.peek = known->peek;
  if (item.kind == Kind::body && lexer.peek() == '[') item.kind = Kind::body_section;
  switch (item.kind) {
    case Kind::body_section:
    case Kind::binary:
    case Kind::binary_size:
      return parse_brackets(lexer, item);
    case Kind::preview:
      return parse_preview(lexer, item);
    default:
      return true;
  }
}

bool parse_macro(Lexer& lexer, std::vector<FetchItem>& items) {
  const bool all = lexer.eat_word("ALL");
  const bool full = !all && lexer.eat_word("FULL");
  if (!all && !full && !lexer.eat_word("FAST")) return false;
  items = {plain(Kind::flags), plain(Kind::internal_date), plain(Kind::rfc822_size)};
  if (all || full) items.push_back(plain(Kind::envelope));
  if (full) items.push_back(plain(Kind::body));
  return true;
}

bool parse_modifiers(Lexer& lexer, FetchCommand& fetch) {
  const size_t start = lexer.offset();
  const bool parsed = parse_parenthesised(lexer, false, [&] {
    if (lexer.eat_word("CHANGEDSINCE")) return lexer.sp() && lexer.number64(fetch.changed_since.emplace());
    if (lexer.eat_word("VANISHED")) return fetch.vanished = true;
    if (lexer.eat_word("PARTIAL")) {
      if (fetch.partial) return lexer.fail("PARTIAL is given twice");
      return lexer.sp() && parse_partial_range(lexer, fetch.partial.emplace());
    }
    return lexer.fail("Unknown FETCH modifier");
  });
  // RFC 7162 §3.2.6.
  if (parsed && fetch.vanished && !fetch.changed_since)
    return lexer.fail_at(start, "VANISHED needs CHANGEDSINCE");
  return parsed;
}

}  // namespace

bool parse_partial_range(Lexer& lexer, PartialRange& range) {
  range.from_end = lexer.eat('-');
  if (!lexer.nz_number(range.first) || !lexer.expect(':', "Invalid partial range")) return false;
  if (range.from_end != lexer.eat('-')) return lexer.fail("Both ends of a partial range count the same way");
  if (!lexer.nz_number(range.last)) return false;
  if (range.first > range.last) std::swap(range.first, range.last);
  return true;
}

bool parse_fetch_list(Lexer& lexer, std::vector<FetchItem>& items) {
  return parse_parenthesised(lexer, false, [&] {
    if (items.size() == kMaxFetchItems) return lexer.fail("Too many FETCH items");
    return parse_item(lexer, items.emplace_back());
  });
}

bool parse_fetch(Lexer& lexer, Command& command) {
  auto& fetch = command.arguments.emplace<FetchCommand>();
  if (!lexer.sp() || !lexer.sequence_set(fetch.set) || !lexer.sp()) return false;
  if (lexer.peek() == '(') {
    if (!parse_fetch_list(lexer, fetch.items)) return false;
  } else if (!parse_macro(lexer, fetch.items) && !parse_item(lexer, fetch.items.emplace_back())) {
    return false;
  }
  if (!lexer.eat_sp_before('(')) return true;
  if (!parse_modifiers(lexer, fetch)) return false;
  return !fetch.vanished || command.uid || lexer.fail("VANISHED needs UID FETCH");
}

}  // namespace dromos::imapd::detail
