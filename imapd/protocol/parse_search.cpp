// SEARCH with RETURN (RFC 9051 §6.4.4, RFC 5267, RFC 9394), SORT and THREAD (RFC 5256, RFC 5957), ESEARCH
// (RFC 7377).
#include <array>

#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

struct SortName {
  std::string_view name;
  SortKey::Kind kind;
};
constexpr std::array<SortName, 10> kSortKeys{{{"ARRIVAL", SortKey::Kind::arrival},
                                              {"CC", SortKey::Kind::cc},
                                              {"DATE", SortKey::Kind::date},
                                              {"FROM", SortKey::Kind::from},
                                              {"SIZE", SortKey::Kind::size},
                                              {"SUBJECT", SortKey::Kind::subject},
                                              {"TO", SortKey::Kind::to},
                                              {"DISPLAYFROM", SortKey::Kind::display_from},
                                              {"DISPLAYTO", SortKey::Kind::display_to},
                                              {"RELEVANCY", SortKey::Kind::relevancy}}};

bool parse_return_option(Lexer& lexer, SearchReturn& result) {
  if (lexer.eat_word("MIN")) return result.min = true;
  if (lexer.eat_word("MAX")) return result.max = true;
  if (lexer.eat_word("ALL")) return result.all = true;
  if (lexer.eat_word("COUNT")) return result.count = true;
  if (lexer.eat_word("SAVE")) return result.save = true;
  if (lexer.eat_word("CONTEXT")) return result.context = true;
  if (lexer.eat_word("RELEVANCY")) return result.relevancy = true;
  if (lexer.eat_word("UPDATE")) {
    result.update = true;
    // RFC 5465 §8 writes no blank before the list, its examples do.
    lexer.eat_sp_before('(');
    return lexer.peek() != '(' || parse_fetch_list(lexer, result.update_fetch);
  }
  if (!lexer.eat_word("PARTIAL")) return lexer.fail("Unknown search return option");
  if (result.partial) return lexer.fail("PARTIAL is given twice");
  return lexer.sp() && parse_partial_range(lexer, result.partial.emplace());
}

/// [SP "RETURN" SP "(" options ")"], with the blank before it.
bool parse_return(Lexer& lexer, SearchReturn& result) {
  const size_t before = lexer.offset();
  if (!lexer.sp()) return false;
  const size_t start = lexer.offset();
  if (!lexer.eat_word("RETURN")) {
    lexer.rewind(before);
    return true;
  }
  result.given = true;
  if (!lexer.sp()) return false;
  const size_t options = lexer.offset();
  if (!parse_parenthesised(lexer, true, [&] { return parse_return_option(lexer, result); })) return false;
  if (lexer.offset() == options + 2) result.all = true;
  // RFC 9394 §3.1.
  if (result.partial && result.all) return lexer.fail_at(start, "PARTIAL and ALL exclude each other");
  return true;
}

bool mentions_modseq(const SearchKey& key) {
  if (key.kind == SearchKey::Kind::modseq) return true;
  for (const SearchKey& child : key.children)
    if (mentions_modseq(child)) return true;
  return false;
}

/// 1*(SP search-key) up to the end of the command.
bool parse_keys(Lexer& lexer, SearchProgram& program) {
  size_t budget = kMaxSearchKeys;
  program.root.kind = SearchKey::Kind::conjunction;
  do {
    if (!lexer.sp()) return false;
    if (lexer.at_end() && !program.root.children.empty()) break;  // a blank at the end
    if (!parse_search_key(lexer, program.root.children.emplace_back(), 1, budget)) return false;
  } while (lexer.peek() == ' ');
  program.uses_modseq = mentions_modseq(program.root);
  return true;
}

bool parse_charset(Lexer& lexer, SearchProgram& program) {
  if (!lexer.sp() || !lexer.astring(program.charset)) return false;
  program.charset = to_upper(program.charset);
  return true;
}

/// [SP "CHARSET" SP charset] and the keys.
bool parse_program(Lexer& lexer, SearchProgram& program) {
  const size_t before = lexer.offset();
  if (!lexer.sp()) return false;
  if (!lexer.eat_word("CHARSET"))
    lexer.rewind(before);
  else if (!parse_charset(lexer, program))
    return false;
  return parse_keys(lexer, program);
}

bool parse_sort_key(Lexer& lexer, std::vector<SortKey>& keys) {
  if (keys.size() == kMaxSortKeys) return lexer.fail("Too many sort keys");
  SortKey& key = keys.emplace_back();
  key.reverse = lexer.eat_word("REVERSE");
  if (key.reverse && !lexer.sp()) return false;
  const size_t start = lexer.offset();
  const std::string_view word = lexer.word();
  for (const SortName& known : kSortKeys) {
    if (!iequals(known.name, word)) continue;
    key.kind = known.kind;
    return true;
  }
  return lexer.fail_at(start, "Unknown sort key");
}

/// "IN" SP "(" filter *(SP filter) [SP "(" scope-options ")"] ")".
bool parse_sources(Lexer& lexer, std::vector<MailboxFilter>& sources) {
  return lexer.sp() && parse_parenthesised(lexer, false, [&] {
           if (lexer.peek() == '(') return lexer.fail("Unknown scope option");
           return parse_mailbox_filter(lexer, sources.emplace_back(), true);
         });
}

}  // namespace

bool parse_search(Lexer& lexer, Command& command) {
  auto& search = command.arguments.emplace<SearchCommand>();
  return parse_return(lexer, search.result) && parse_program(lexer, search.program);
}

bool parse_sort(Lexer& lexer, Command& command) {
  auto& sort = command.arguments.emplace<SortCommand>();
  return parse_return(lexer, sort.result) && lexer.sp() &&
         parse_parenthesised(lexer, false, [&] { return parse_sort_key(lexer, sort.keys); }) &&
         parse_charset(lexer, sort.program) && parse_keys(lexer, sort.program);
}

bool parse_thread(Lexer& lexer, Command& command) {
  auto& thread = command.arguments.emplace<ThreadCommand>();
  std::string_view algorithm;
  if (!lexer.sp() || !lexer.atom(algorithm, "Missing threading algorithm")) return false;
  thread.algorithm = to_upper(algorithm);
  return parse_charset(lexer, thread.program) && parse_keys(lexer, thread.program);
}

bool parse_esearch(Lexer& lexer, Command& command) {
  auto& esearch = command.arguments.emplace<EsearchCommand>();
  const size_t before = lexer.offset();
  if (!lexer.sp()) return false;
  if (!lexer.eat_word("IN"))
    lexer.rewind(before);
  else if (!parse_sources(lexer, esearch.sources))
    return false;
  return parse_return(lexer, esearch.result) && parse_program(lexer, esearch.program);
}

}  // namespace dromos::imapd::detail
