// Search keys (RFC 9051 §6.4.4, RFC 3501; RFC 5032 WITHIN, RFC 5466 FILTERS, RFC 6203 FUZZY, RFC 7162 MODSEQ,
// RFC 8474, RFC 8514, RFC 9738). Nesting by parentheses, NOT, OR and FUZZY counts against kMaxSearchDepth.
#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

using Kind = SearchKey::Kind;

enum class Takes {
  nothing,
  flag,
  keyword,
  text,
  date,
  number,
  seconds,
  set,
  header,
  key,
  two_keys,
  modseq,
  id,
  atom,
  fuzzy
};

struct KeyName {
  std::string_view name;
  Kind kind;
  Takes takes;
  std::string_view flag = {};
};
constexpr std::array<KeyName, 48> kKeys{{
    {"ALL", Kind::all, Takes::nothing},
    {"ANSWERED", Kind::flag, Takes::flag, "\\Answered"},
    {"BCC", Kind::bcc, Takes::text},
    {"BEFORE", Kind::before, Takes::date},
    {"BODY", Kind::body, Takes::text},
    {"CC", Kind::cc, Takes::text},
    {"DELETED", Kind::flag, Takes::flag, "\\Deleted"},
    {"DRAFT", Kind::flag, Takes::flag, "\\Draft"},
    {"EMAILID", Kind::email_id, Takes::id},
    {"FILTER", Kind::filter, Takes::atom},
    {"FLAGGED", Kind::flag, Takes::flag, "\\Flagged"},
    {"FROM", Kind::from, Takes::text},
    {"FUZZY", Kind::all, Takes::fuzzy},
    {"HEADER", Kind::header, Takes::header},
    {"KEYWORD", Kind::flag, Takes::keyword},
    {"LARGER", Kind::larger, Takes::number},
    {"MODSEQ", Kind::modseq, Takes::modseq},
    {"NEW", Kind::new_mail, Takes::nothing},
    {"NOT", Kind::negation, Takes::key},
    {"OLD", Kind::old_mail, Takes::nothing},
    {"OLDER", Kind::older, Takes::seconds},
    {"ON", Kind::on, Takes::date},
    {"OR", Kind::either, Takes::two_keys},
    {"RECENT", Kind::flag, Takes::flag, "\\Recent"},
    {"SAVEDATESUPPORTED", Kind::save_date_supported, Takes::nothing},
    {"SAVEDBEFORE", Kind::saved_before, Takes::date},
    {"SAVEDON", Kind::saved_on, Takes::date},
    {"SAVEDSINCE", Kind::saved_since, Takes::date},
    {"SEEN", Kind::flag, Takes::flag, "\\Seen"},
    {"SENTBEFORE", Kind::sent_before, Takes::date},
    {"SENTON", Kind::sent_on, Takes::date},
    {"SENTSINCE", Kind::sent_since, Takes::date},
    {"SINCE", Kind::since, Takes::date},
    {"SMALLER", Kind::smaller, Takes::number},
    {"SUBJECT", Kind::subject, Takes::text},
    {"TEXT", Kind::text, Takes::text},
    {"THREADID", Kind::thread_id, Takes::id},
    {"TO", Kind::to, Takes::text},
    {"UID", Kind::uid, Takes::set},
    {"UIDAFTER", Kind::uid_after, Takes::seconds},
    {"UIDBEFORE", Kind::uid_before, Takes::seconds},
    {"UNANSWERED", Kind::no_flag, Takes::flag, "\\Answered"},
    {"UNDELETED", Kind::no_flag, Takes::flag, "\\Deleted"},
    {"UNDRAFT", Kind::no_flag, Takes::flag, "\\Draft"},
    {"UNFLAGGED", Kind::no_flag, Takes::flag, "\\Flagged"},
    {"UNKEYWORD", Kind::no_flag, Takes::keyword},
    {"UNSEEN", Kind::no_flag, Takes::flag, "\\Seen"},
    {"YOUNGER", Kind::younger, Takes::seconds},
}};

bool parse_date_argument(Lexer& lexer, SearchKey& key) {
  const size_t start = lexer.offset();
  std::string text;
  if (!lexer.astring(text)) return false;
  const auto date = parse_date(text);
  if (!date) return lexer.fail_at(start, "Invalid date");
  key.date = *date;
  return true;
}

/// RFC 7162 §3.1.5: [entry-name SP entry-type SP] number.
bool parse_modseq(Lexer& lexer, SearchKey& key) {
  if (lexer.peek() == '"') {
    const size_t start = lexer.offset();
    if (!lexer.string(key.name) || !lexer.sp()) return false;
    if (!istarts_with(key.name, "/flags/") || key.name.size() == 7)
      return lexer.fail_at(start, "Invalid MODSEQ entry");
    key.entry_type = to_lower(lexer.word());
    if (key.entry_type != "all" && key.entry_type != "priv" && key.entry_type != "shared")
      return lexer.fail("Entry type is priv, shared or all");
    if (!lexer.sp()) return false;
  }
  return lexer.number64(key.number);
}

/// RFC 8474 §5.4: object ids are letters, digits, "-" and "_".
bool parse_id(Lexer& lexer, SearchKey& key) {
  const size_t start = lexer.offset();
  if (!lexer.astring(key.text)) return false;
  const auto fits = [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; };
  const bool valid =
      !key.text.empty() && key.text.size() <= 255 && std::all_of(key.text.begin(), key.text.end(), fits);
  return valid || lexer.fail_at(start, "Invalid object id");
}

void make_fuzzy(SearchKey& key) {
  key.fuzzy = true;
  for (SearchKey& child : key.children) make_fuzzy(child);
}

bool parse_atom_argument(Lexer& lexer, SearchKey& key) {
  std::string_view atom;
  if (!lexer.atom(atom, "Missing argument")) return false;
  key.text = atom;
  return true;
}

bool parse_arguments(Lexer& lexer, const KeyName& known, SearchKey& key, int depth, size_t& budget) {
  key.kind = known.kind;
  if (known.takes == Takes::nothing) return true;
  if (known.takes == Takes::flag) {
    key.text = known.flag;
    return true;
  }
  if (!lexer.sp()) return false;
  const auto child = [&] { return parse_search_key(lexer, key.children.emplace_back(), depth + 1, budget); };
  uint32_t number = 0;
  switch (known.takes) {
    case Takes::keyword:
    case Takes::atom:
      return parse_atom_argument(lexer, key);
    case Takes::text:
      return lexer.astring(key.text);
    case Takes::date:
      return parse_date_argument(lexer, key);
    case Takes::number:
      return lexer.number64(key.number);
    case Takes::seconds:
      if (!lexer.nz_number(number)) return false;
      key.number = number;
      return true;
    case Takes::set:
      return lexer.sequence_set(key.set);
    case Takes::header:
      return lexer.astring(key.name) && lexer.sp() && lexer.astring(key.text);
    case Takes::key:
      return child();
    case Takes::two_keys:
      return child() && lexer.sp() && child();
    case Takes::modseq:
      return parse_modseq(lexer, key);
    case Takes::id:
      return parse_id(lexer, key);
    case Takes::fuzzy:
      if (!parse_search_key(lexer, key, depth + 1, budget)) return false;
      make_fuzzy(key);
      return true;
    case Takes::nothing:
    case Takes::flag:
      break;
  }
  return true;
}

}  // namespace

bool parse_search_key(Lexer& lexer, SearchKey& key, int depth, size_t& budget) {
  if (depth > kMaxSearchDepth) return lexer.fail("Search keys are nested too deeply");
  if (budget == 0) return lexer.fail("Too many search keys");
  --budget;
  const char first = lexer.peek();
  if (first == '(') {
    key.kind = Kind::conjunction;
    return parse_parenthesised(lexer, false, [&] {
      return parse_search_key(lexer, key.children.emplace_back(), depth + 1, budget);
    });
  }
  if (is_digit(first) || first == '*' || first == '$') {
    key.kind = Kind::sequence;
    return lexer.sequence_set(key.set);
  }
  const size_t start = lexer.offset();
  const std::string_view word = lexer.word();
  for (const KeyName& known : kKeys)
    if (known.name.size() == word.size() && !word.empty() && iequals(known.name, word))
      return parse_arguments(lexer, known, key, depth, budget);
  return lexer.fail_at(start, "Unknown search key");
}

}  // namespace dromos::imapd::detail
