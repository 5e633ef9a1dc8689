// STORE with UNCHANGEDSINCE (RFC 7162 §3.1.3), COPY, MOVE (RFC 6851), EXPUNGE and UID EXPUNGE (RFC 4315).
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

/// Without parentheses: flag *(SP flag).
bool parse_bare_flags(Lexer& lexer, FlagSet& flags) {
  do {
    const size_t start = lexer.offset();
    std::string token(lexer.eat('\\') ? "\\" : "");
    token += lexer.run(kAtomChar);
    if (!add_flag(token, flags)) return lexer.fail_at(start, token.empty() ? "Missing flag" : "Invalid flag");
  } while (lexer.eat(' '));
  return true;
}

bool parse_modifiers(Lexer& lexer, StoreCommand& store) {
  return parse_parenthesised(lexer, false, [&] {
    if (!lexer.eat_word("UNCHANGEDSINCE")) return lexer.fail("Unknown STORE modifier");
    return lexer.sp() && lexer.number64(store.unchanged_since.emplace());
  });
}

}  // namespace

bool parse_store(Lexer& lexer, Command& command) {
  auto& store = command.arguments.emplace<StoreCommand>();
  if (!lexer.sp() || !lexer.sequence_set(store.set) || !lexer.sp()) return false;
  if (lexer.peek() == '(' && (!parse_modifiers(lexer, store) || !lexer.sp())) return false;
  if (lexer.eat('+'))
    store.change = StoreCommand::Change::add;
  else if (lexer.eat('-'))
    store.change = StoreCommand::Change::remove;
  store.silent = lexer.eat_word("FLAGS.SILENT");
  if (!store.silent && !lexer.eat_word("FLAGS")) return lexer.fail("Expected FLAGS or FLAGS.SILENT");
  if (!lexer.sp()) return false;
  return lexer.peek() == '(' ? lexer.flag_list(store.flags) : parse_bare_flags(lexer, store.flags);
}

bool parse_copy(Lexer& lexer, Command& command) {
  auto& copy = command.arguments.emplace<CopyCommand>();
  return lexer.sp() && lexer.sequence_set(copy.set) && lexer.sp() && lexer.astring(copy.mailbox);
}

bool parse_expunge(Lexer& lexer, Command& command) {
  if (!command.uid) return parse_nothing(lexer, command);
  return lexer.sp() && lexer.sequence_set(command.arguments.emplace<ExpungeCommand>().set);
}

}  // namespace dromos::imapd::detail
