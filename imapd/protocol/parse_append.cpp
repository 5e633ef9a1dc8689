// APPEND (RFC 9051 §6.3.12) with MULTIAPPEND (RFC 3502), CATENATE (RFC 4469), literal8 (RFC 3516) and UTF8
// (RFC 6855 §4); REPLACE (RFC 8508). Message literals may be streamed: then only their heads are in the text.
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

bool parse_date(Lexer& lexer, AppendMessage& message) {
  const size_t start = lexer.offset();
  std::string text;
  if (!lexer.string(text)) return false;
  message.date = parse_date_time(text);
  return message.date || lexer.fail_at(start, "Invalid date-time");
}

/// After "UTF8": SP "(" literal8 ")".
bool parse_utf8_literal(Lexer& lexer, AppendMessage& message) {
  message.utf8 = true;
  if (!lexer.sp() || !lexer.expect('(', "Expected a parenthesised literal")) return false;
  const size_t start = lexer.offset();
  LiteralData& literal = message.parts.emplace_back().literal;
  if (!lexer.message_literal(literal)) return false;
  if (!literal.binary) return lexer.fail_at(start, "UTF8 needs a binary literal");
  return lexer.expect(')', "UTF8 is not closed");
}

bool parse_catenate(Lexer& lexer, AppendMessage& message) {
  message.catenate = true;
  return lexer.sp() && parse_parenthesised(lexer, false, [&] {
           if (message.parts.size() == kMaxCatenateParts) return lexer.fail("Too many parts in CATENATE");
           if (lexer.eat_word("URL")) {
             AppendPart& part = message.parts.emplace_back();
             part.kind = AppendPart::Kind::url;
             return lexer.sp() && lexer.astring(part.url);
           }
           if (lexer.eat_word("TEXT"))
             return lexer.sp() && lexer.message_literal(message.parts.emplace_back().literal);
           if (lexer.eat_word("UTF8")) return parse_utf8_literal(lexer, message);
           return lexer.fail("Expected URL, TEXT or UTF8");
         });
}

bool parse_message(Lexer& lexer, AppendMessage& message) {
  if (lexer.peek() == '(' && (!lexer.flag_list(message.flags) || !lexer.sp())) return false;
  if (lexer.peek() == '"' && (!parse_date(lexer, message) || !lexer.sp())) return false;
  if (lexer.eat_word("CATENATE")) return parse_catenate(lexer, message);
  if (lexer.eat_word("UTF8")) return parse_utf8_literal(lexer, message);
  return lexer.message_literal(message.parts.emplace_back().literal);
}

}  // namespace

bool parse_append(Lexer& lexer, Command& command) {
  auto& append = command.arguments.emplace<AppendCommand>();
  if (!lexer.sp() || !lexer.astring(append.mailbox)) return false;
  do {
    if (append.messages.size() > kMaxAppendMessages) return lexer.fail("Too many messages in one APPEND");
    if (!lexer.sp() || !parse_message(lexer, append.messages.emplace_back())) return false;
  } while (lexer.peek() == ' ');
  return true;
}

bool parse_replace(Lexer& lexer, Command& command) {
  auto& replace = command.arguments.emplace<ReplaceCommand>();
  if (!lexer.sp()) return false;
  if (!lexer.eat('*') && !lexer.nz_number(replace.number)) return false;
  return lexer.sp() && lexer.astring(replace.mailbox) && lexer.sp() && parse_message(lexer, replace.message);
}

}  // namespace dromos::imapd::detail
