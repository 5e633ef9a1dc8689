// The connection itself: LOGIN, AUTHENTICATE (RFC 9051 §6.2), ENABLE (§6.3.1), ID (RFC 2971), COMPRESS (RFC
// 4978), LANGUAGE and COMPARATOR (RFC 5255), CANCELUPDATE (RFC 5267).
#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {

bool parse_nothing(Lexer&, Command& command) {
  command.arguments = NoArguments{};
  return true;
}

bool parse_login(Lexer& lexer, Command& command) {
  auto& login = command.arguments.emplace<LoginCommand>();
  return lexer.sp() && lexer.astring(login.user) && lexer.sp() && lexer.astring(login.password);
}

bool parse_authenticate(Lexer& lexer, Command& command) {
  auto& auth = command.arguments.emplace<AuthenticateCommand>();
  std::string_view mechanism;
  if (!lexer.sp() || !lexer.atom(mechanism, "Missing SASL mechanism")) return false;
  auth.mechanism = to_upper(mechanism);
  if (!lexer.eat(' ')) return true;
  const size_t start = lexer.offset();
  const std::string_view encoded = lexer.run(kAtomChar);
  if (encoded.empty() && lexer.at_end()) return true;  // a blank at the end
  auto decoded = encoded == "=" ? std::string() : unbase64(encoded);
  if (!decoded || encoded.empty()) return lexer.fail_at(start, "Initial response is not base64");
  auth.initial_response = std::move(*decoded);
  return true;
}

bool parse_enable(Lexer& lexer, Command& command) {
  auto& enable = command.arguments.emplace<EnableCommand>();
  do {
    std::string_view capability;
    if (!lexer.sp() || !lexer.atom(capability, "Missing capability")) return false;
    enable.capabilities.push_back(to_upper(capability));
  } while (lexer.peek() == ' ');
  return true;
}

bool parse_id(Lexer& lexer, Command& command) {
  auto& id = command.arguments.emplace<IdCommand>();
  if (!lexer.sp()) return false;
  if (lexer.eat_word("NIL")) return true;
  return parse_parenthesised(lexer, true, [&] {
    const size_t start = lexer.offset();
    std::string key;
    std::optional<std::string> value;
    if (!lexer.string(key) || !lexer.sp() || !lexer.nstring(value)) return false;
    if (id.fields.size() == kMaxIdFields) return lexer.fail_at(start, "Too many ID fields");
    if (key.size() > kMaxIdKey || (value && value->size() > kMaxIdValue))
      return lexer.fail_at(start, "ID field is too long");
    id.fields.emplace_back(std::move(key), std::move(value));
    return true;
  });
}

bool parse_compress(Lexer& lexer, Command& command) {
  std::string_view algorithm;
  if (!lexer.sp() || !lexer.atom(algorithm, "Missing compression algorithm")) return false;
  command.arguments.emplace<CompressCommand>().algorithm = to_upper(algorithm);
  return true;
}

bool parse_strings(Lexer& lexer, Command& command) {
  auto& list = command.arguments.emplace<ListOfStrings>();
  if (command.verb == Verb::cancel_update && lexer.at_end()) return lexer.fail("Missing argument");
  while (lexer.eat(' '))
    if (!lexer.astring(list.values.emplace_back())) return false;
  return true;
}

}  // namespace dromos::imapd::detail
