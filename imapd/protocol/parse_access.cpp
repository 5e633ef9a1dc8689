// ACL (RFC 4314 §3), QUOTA (RFC 9208 §4) and URLAUTH (RFC 4467 §7).
#include <limits>

#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {

bool parse_acl_identifier(Lexer& lexer, Command& command) {
  auto& acl = command.arguments.emplace<AclCommand>();
  return lexer.sp() && lexer.astring(acl.mailbox) && lexer.sp() && lexer.astring(acl.identifier);
}

bool parse_set_acl(Lexer& lexer, Command& command) {
  if (!parse_acl_identifier(lexer, command) || !lexer.sp()) return false;
  auto& acl = command.as<AclCommand>();
  const size_t start = lexer.offset();
  if (!lexer.astring(acl.rights)) return false;
  if (!acl.rights.empty() && (acl.rights[0] == '+' || acl.rights[0] == '-')) {
    acl.change = acl.rights[0] == '+' ? AclCommand::Change::add : AclCommand::Change::remove;
    acl.rights.erase(0, 1);
  }
  for (const char c : acl.rights)
    if (!is_digit(c) && (c < 'a' || c > 'z'))
      return lexer.fail_at(start, "Rights are lower-case letters and digits");
  return true;
}

bool parse_get_quota(Lexer& lexer, Command& command) {
  return lexer.sp() && lexer.astring(command.arguments.emplace<GetQuotaCommand>().root);
}

bool parse_set_quota(Lexer& lexer, Command& command) {
  auto& quota = command.arguments.emplace<SetQuotaCommand>();
  if (!lexer.sp() || !lexer.astring(quota.root) || !lexer.sp()) return false;
  return parse_parenthesised(lexer, true, [&] {
    std::string_view resource;
    uint64_t limit = 0;
    if (!lexer.atom(resource, "Missing quota resource") || !lexer.sp() || !lexer.number64(limit))
      return false;
    quota.limits.emplace_back(to_upper(resource), limit);
    return true;
  });
}

namespace {

/// "BINARY": RFC 5524 §5. Each at most once, and not BINARY with BODY (§3.1).
bool parse_url_wish(Lexer& lexer, UrlCommand::Item& item) {
  const size_t start = lexer.offset();
  std::string_view word;
  if (!lexer.atom(word, "Expected a parameter of URLFETCH")) return false;
  bool* wish = iequals(word, "BODY")                ? &item.body
               : iequals(word, "BINARY")            ? &item.binary
               : iequals(word, "BODYPARTSTRUCTURE") ? &item.structure
                                                    : nullptr;
  if (wish == nullptr) return lexer.fail_at(start, "Unknown parameter of URLFETCH");
  if (*wish) return lexer.fail_at(start, "A parameter of URLFETCH comes twice");
  *wish = true;
  return !(item.body && item.binary) || lexer.fail_at(start, "BODY and BINARY exclude each other");
}

bool parse_url_to_fetch(Lexer& lexer, UrlCommand::Item& item) {
  if (!lexer.eat('(')) return lexer.astring(item.url);
  if (!lexer.astring(item.url)) return false;
  while (lexer.eat(' '))
    if (!parse_url_wish(lexer, item)) return false;
  return lexer.expect(')', "The URL's list is not closed");
}

}  // namespace

bool parse_url_list(Lexer& lexer, Command& command) {
  auto& urls = command.arguments.emplace<UrlCommand>().urls;
  do {
    UrlCommand::Item& item = urls.emplace_back();
    if (!lexer.sp()) return false;
    if (command.verb == Verb::url_fetch) {
      if (!parse_url_to_fetch(lexer, item)) return false;
      continue;
    }
    std::string_view atom;
    if (!lexer.astring(item.url) || !lexer.sp() || !lexer.atom(atom, "Missing URLAUTH mechanism"))
      return false;
    item.mechanism = to_upper(atom);
  } while (lexer.peek() == ' ');
  return true;
}

bool parse_reset_key(Lexer& lexer, Command& command) {
  auto& reset = command.arguments.emplace<ResetKeyCommand>();
  if (!lexer.eat(' ')) return true;
  if (!lexer.astring(reset.mailbox.emplace())) return false;
  while (lexer.eat(' ')) {
    std::string_view mechanism;
    if (!lexer.atom(mechanism, "Missing URLAUTH mechanism")) return false;
    reset.mechanisms.push_back(to_upper(mechanism));
  }
  return true;
}

}  // namespace dromos::imapd::detail
