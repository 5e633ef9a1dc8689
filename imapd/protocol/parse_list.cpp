// LIST with its selection and return options (RFC 5258 §6, RFC 5819, RFC 6154, RFC 8440, RFC 9590), and LSUB.
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

bool parse_selection(Lexer& lexer, ListCommand& list) {
  const size_t start = lexer.offset();
  list.extended = true;
  const bool parsed = parse_parenthesised(lexer, true, [&] {
    if (lexer.eat_word("SUBSCRIBED")) return list.select_subscribed = true;
    if (lexer.eat_word("REMOTE")) return list.select_remote = true;
    if (lexer.eat_word("RECURSIVEMATCH")) return list.select_recursive_match = true;
    if (lexer.eat_word("SPECIAL-USE")) return list.select_special_use = true;
    return lexer.fail("Unknown LIST selection option");
  });
  if (!parsed) return false;
  // RFC 5258 §3.1: RECURSIVEMATCH modifies another option.
  if (list.select_recursive_match && !list.select_subscribed && !list.select_special_use)
    return lexer.fail_at(start, "RECURSIVEMATCH needs another selection option");
  return true;
}

bool parse_patterns(Lexer& lexer, ListCommand& list) {
  if (lexer.peek() != '(') return lexer.list_mailbox(list.patterns.emplace_back());
  list.extended = true;
  return parse_parenthesised(lexer, false, [&] {
    if (list.patterns.size() == kMaxListPatterns) return lexer.fail("Too many LIST patterns");
    return lexer.list_mailbox(list.patterns.emplace_back());
  });
}

bool parse_metadata_option(Lexer& lexer, ListCommand& list) {
  const auto entry = [&] { return parse_entry_name(lexer, list.return_metadata.emplace_back()); };
  return lexer.sp() && parse_parenthesised(lexer, false, entry);
}

bool parse_return(Lexer& lexer, ListCommand& list) {
  list.extended = true;
  return lexer.sp() && parse_parenthesised(lexer, true, [&] {
           if (lexer.eat_word("SUBSCRIBED")) return list.return_subscribed = true;
           if (lexer.eat_word("CHILDREN")) return list.return_children = true;
           if (lexer.eat_word("SPECIAL-USE")) return list.return_special_use = true;
           if (lexer.eat_word("MYRIGHTS")) return list.return_my_rights = true;
           if (lexer.eat_word("STATUS")) return lexer.sp() && parse_status_items(lexer, list.return_status);
           if (lexer.eat_word("METADATA")) return parse_metadata_option(lexer, list);
           return lexer.fail("Unknown LIST return option");
         });
}

}  // namespace

bool parse_list(Lexer& lexer, Command& command) {
  auto& list = command.arguments.emplace<ListCommand>();
  if (!lexer.sp()) return false;
  if (lexer.peek() == '(' && (!parse_selection(lexer, list) || !lexer.sp())) return false;
  if (!lexer.astring(list.reference) || !lexer.sp() || !parse_patterns(lexer, list)) return false;
  if (!lexer.eat_sp_before('R') && !lexer.eat_sp_before('r')) return true;
  if (!lexer.eat_word("RETURN")) return lexer.fail("Expected RETURN");
  return parse_return(lexer, list);
}

bool parse_lsub(Lexer& lexer, Command& command) {
  auto& list = command.arguments.emplace<ListCommand>();
  return lexer.sp() && lexer.astring(list.reference) && lexer.sp() &&
         lexer.list_mailbox(list.patterns.emplace_back());
}

}  // namespace dromos::imapd::detail
