#include "imapd/protocol/parser.h"

#include <algorithm>
#include <array>

#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd {
namespace {

using namespace detail;

enum class UidForm { no, also };

struct VerbEntry {
  std::string_view name;
  Verb verb;
  ParseArguments parse;
  UidForm uid = UidForm::no;
};

// In the order of Verb, which is the order of names, too.
constexpr std::array<VerbEntry, kVerbCount> kVerbs{{
    {"APPEND", Verb::append, parse_append},
    {"AUTHENTICATE", Verb::authenticate, parse_authenticate},
    {"CANCELUPDATE", Verb::cancel_update, parse_strings},
    {"CAPABILITY", Verb::capability, parse_nothing},
    {"CHECK", Verb::check, parse_nothing},
    {"CLOSE", Verb::close, parse_nothing},
    {"COMPARATOR", Verb::comparator, parse_strings},
    {"COMPRESS", Verb::compress, parse_compress},
    {"COPY", Verb::copy, parse_copy, UidForm::also},
    {"CREATE", Verb::create, parse_create},
    {"DELETEACL", Verb::delete_acl, parse_acl_identifier},
    {"DELETE", Verb::delete_mailbox, parse_mailbox},
    {"ENABLE", Verb::enable, parse_enable},
    {"ESEARCH", Verb::esearch, parse_esearch, UidForm::also},
    {"EXAMINE", Verb::examine, parse_select},
    {"EXPUNGE", Verb::expunge, parse_expunge, UidForm::also},
    {"FETCH", Verb::fetch, parse_fetch, UidForm::also},
    {"GENURLAUTH", Verb::gen_url_auth, parse_url_list},
    {"GETACL", Verb::get_acl, parse_mailbox},
    {"GETMETADATA", Verb::get_metadata, parse_get_metadata},
    {"GETQUOTA", Verb::get_quota, parse_get_quota},
    {"GETQUOTAROOT", Verb::get_quota_root, parse_mailbox},
    {"ID", Verb::id, parse_id},
    {"IDLE", Verb::idle, parse_nothing},
    {"LANGUAGE", Verb::language, parse_strings},
    {"LIST", Verb::list, parse_list},
    {"LISTRIGHTS", Verb::list_rights, parse_acl_identifier},
    {"LOGIN", Verb::login, parse_login},
    {"LOGOUT", Verb::logout, parse_nothing},
    {"LSUB", Verb::lsub, parse_lsub},
    {"MOVE", Verb::move, parse_copy, UidForm::also},
    {"MYRIGHTS", Verb::my_rights, parse_mailbox},
    {"NAMESPACE", Verb::name_space, parse_nothing},
    {"NOOP", Verb::noop, parse_nothing},
    {"NOTIFY", Verb::notify, parse_notify},
    {"RENAME", Verb::rename, parse_rename},
    {"REPLACE", Verb::replace, parse_replace, UidForm::also},
    {"RESETKEY", Verb::reset_key, parse_reset_key},
    {"SEARCH", Verb::search, parse_search, UidForm::also},
    {"SELECT", Verb::select, parse_select},
    {"SETACL", Verb::set_acl, parse_set_acl},
    {"SETMETADATA", Verb::set_metadata, parse_set_metadata},
    {"SETQUOTA", Verb::set_quota, parse_set_quota},
    {"SORT", Verb::sort, parse_sort, UidForm::also},
    {"STARTTLS", Verb::start_tls, parse_nothing},
    {"STATUS", Verb::status, parse_status},
    {"STORE", Verb::store, parse_store, UidForm::also},
    {"SUBSCRIBE", Verb::subscribe, parse_mailbox},
    {"THREAD", Verb::thread, parse_thread, UidForm::also},
    {"UNAUTHENTICATE", Verb::unauthenticate, parse_nothing},
    {"UNSELECT", Verb::unselect, parse_nothing},
    {"UNSUBSCRIBE", Verb::unsubscribe, parse_mailbox},
    {"URLFETCH", Verb::url_fetch, parse_url_list},
}};

constexpr bool in_order() {
  for (size_t i = 0; i < kVerbs.size(); ++i)
    if (kVerbs[i].verb != static_cast<Verb>(i)) return false;
  return true;
}
static_assert(in_order());

const VerbEntry* find_verb(std::string_view name) {
  for (const VerbEntry& entry : kVerbs)
    if (entry.name.size() == name.size() && iequals(entry.name, name)) return &entry;
  return nullptr;
}

/// Tag, blank, verb with UID; the entry, or none with lexer and `unknown` saying why.
const VerbEntry* parse_start(Lexer& lexer, Command& command, bool& unknown) {
  std::string_view verb;
  if (!lexer.tag(command.tag) || !lexer.expect(' ', "Missing command")) return nullptr;
  size_t start = lexer.offset();
  if (!lexer.atom(verb, "Missing command")) return nullptr;
  if (iequals(verb, "UID")) {
    command.uid = true;
    if (!lexer.expect(' ', "Missing command after UID")) return nullptr;
    start = lexer.offset();
    if (!lexer.atom(verb, "Missing command after UID")) return nullptr;
  }
  const VerbEntry* entry = find_verb(verb);
  if (entry == nullptr || (command.uid && entry->uid == UidForm::no)) {
    unknown = true;
    lexer.fail_at(start, entry == nullptr ? "Unknown command" : "Command has no UID form");
    return nullptr;
  }
  command.verb = entry->verb;
  return entry;
}

tl::unexpected<ParseError> error_of(const Lexer& lexer, const Command& command, bool unknown) {
  ParseError error;
  error.kind = unknown ? ParseError::Kind::unknown_command : ParseError::Kind::syntax;
  error.tag = command.tag;
  error.offset = lexer.error_offset();
  error.reason = lexer.reason() != nullptr ? lexer.reason() : "Syntax error";
  return tl::unexpected<ParseError>(std::move(error));
}

ParsedCommand parse(Lexer lexer) {
  Command command;
  bool unknown = false;
  const VerbEntry* entry = parse_start(lexer, command, unknown);
  if (entry == nullptr || !entry->parse(lexer, command) || !lexer.end())
    return error_of(lexer, command, unknown);
  return command;
}

}  // namespace

std::string_view name(Verb verb) {
  return kVerbs[static_cast<size_t>(verb)].name;
}

ParsedCommand parse_command(const RawCommand& raw) {
  return parse(Lexer(raw));
}

ParsedCommand parse_command(std::string_view text) {
  return parse(Lexer(text));
}

tl::expected<AppendHead, ParseError> parse_append_head(const RawCommand& raw) {
  Lexer lexer(raw);
  Command command;
  bool unknown = false;
  const VerbEntry* entry = parse_start(lexer, command, unknown);
  const bool append = command.verb == Verb::append;
  if (entry == nullptr || (!append && command.verb != Verb::replace))
    return error_of(lexer, command, unknown);
  if (entry->parse(lexer, command) || !lexer.pending_literal()) return error_of(lexer, command, unknown);
  AppendHead head{.tag = command.tag, .replace = !append, .uid = command.uid};
  if (append) {
    auto& arguments = command.as<AppendCommand>();
    head.mailbox = std::move(arguments.mailbox);
    head.message = arguments.messages.size() - 1;
    head.catenate = arguments.messages.back().catenate;
  } else {
    auto& arguments = command.as<ReplaceCommand>();
    head.mailbox = std::move(arguments.mailbox);
    head.catenate = arguments.message.catenate;
  }
  return head;
}

}  // namespace dromos::imapd
