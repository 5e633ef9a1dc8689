// GETMETADATA and SETMETADATA (RFC 5464 §4.2, §4.3, §5).
#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

/// RFC 5464 §3.1: begins with "/", no empty component, no wildcards, ASCII without controls.
bool is_entry_name(std::string_view entry) {
  if (entry.size() < 2 || entry[0] != '/' || entry.back() == '/') return false;
  if (entry.find("//") != std::string_view::npos) return false;
  for (const char c : entry)
    if (static_cast<uint8_t>(c) < 0x20 || static_cast<uint8_t>(c) >= 0x7f || c == '*' || c == '%')
      return false;
  return true;
}

bool parse_depth(Lexer& lexer, GetMetadataCommand& get) {
  if (!lexer.sp()) return false;
  const size_t start = lexer.offset();
  const std::string_view depth = lexer.word();
  if (depth == "0" || depth == "1")
    get.depth = depth == "0" ? 0 : 1;
  else if (iequals(depth, "INFINITY"))
    get.depth = GetMetadataCommand::kInfinity;
  else
    return lexer.fail_at(start, "DEPTH is 0, 1 or infinity");
  return true;
}

bool parse_options(Lexer& lexer, GetMetadataCommand& get) {
  return parse_parenthesised(lexer, false, [&] {
    if (lexer.eat_word("MAXSIZE")) return lexer.sp() && lexer.number(get.max_size.emplace());
    if (lexer.eat_word("DEPTH")) return parse_depth(lexer, get);
    return lexer.fail("Unknown GETMETADATA option");
  });
}

}  // namespace

bool parse_entry_name(Lexer& lexer, std::string& entry) {
  const size_t start = lexer.offset();
  if (!lexer.astring(entry)) return false;
  if (!is_entry_name(entry)) return lexer.fail_at(start, "Invalid metadata entry name");
  entry = to_lower(entry);
  return true;
}

bool parse_get_metadata(Lexer& lexer, Command& command) {
  auto& get = command.arguments.emplace<GetMetadataCommand>();
  const auto entry = [&] { return parse_entry_name(lexer, get.entries.emplace_back()); };
  if (!lexer.sp()) return false;
  const bool options_first = lexer.peek() == '(';
  if (options_first && (!parse_options(lexer, get) || !lexer.sp())) return false;
  if (!lexer.astring(get.mailbox) || !lexer.sp()) return false;
  if (lexer.peek() != '(') return entry();
  // The grammar has the options before the mailbox, the examples of §4.2 after it. Entries begin with "/" or
  // a quote.
  const size_t start = lexer.offset();
  lexer.eat('(');
  const bool options = !options_first && is_alpha(lexer.peek());
  lexer.rewind(start);
  if (options && (!parse_options(lexer, get) || !lexer.sp())) return false;
  return lexer.peek() == '(' ? parse_parenthesised(lexer, false, entry) : entry();
}

bool parse_set_metadata(Lexer& lexer, Command& command) {
  auto& set = command.arguments.emplace<SetMetadataCommand>();
  if (!lexer.sp() || !lexer.astring(set.mailbox) || !lexer.sp()) return false;
  return parse_parenthesised(lexer, false, [&] {
    auto& [entry, value] = set.entries.emplace_back();
    return parse_entry_name(lexer, entry) && lexer.sp() && lexer.nstring(value, true);
  });
}

}  // namespace dromos::imapd::detail
