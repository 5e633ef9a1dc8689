// SELECT and EXAMINE with CONDSTORE and QRESYNC (RFC 7162 §3), CREATE with USE (RFC 6154 §3), RENAME, STATUS.
#include <array>

#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

struct StatusName {
  std::string_view name;
  StatusItem item;
};
constexpr std::array<StatusName, 11> kStatusItems{{{"MESSAGES", kStatusMessages},
                                                   {"RECENT", kStatusRecent},
                                                   {"UIDNEXT", kStatusUidNext},
                                                   {"UIDVALIDITY", kStatusUidValidity},
                                                   {"UNSEEN", kStatusUnseen},
                                                   {"SIZE", kStatusSize},
                                                   {"DELETED", kStatusDeleted},
                                                   {"HIGHESTMODSEQ", kStatusHighestModseq},
                                                   {"MAILBOXID", kStatusMailboxId},
                                                   {"APPENDLIMIT", kStatusAppendLimit},
                                                   {"DELETED-STORAGE", kStatusDeletedStorage}}};

/// RFC 7162 §7: `*` is not allowed in what the client claims to know, nor `$`.
bool parse_known_set(Lexer& lexer, SequenceSet& set) {
  const size_t start = lexer.offset();
  if (!lexer.sequence_set(set)) return false;
  return !(set.has_star() || set.saved_result) || lexer.fail_at(start, "Known UIDs must be plain numbers");
}

bool parse_seq_match(Lexer& lexer, QresyncParameters& qresync) {
  const size_t start = lexer.offset();
  auto& match = qresync.seq_match.emplace();
  if (!lexer.expect('(', "Expected sequence match data") || !parse_known_set(lexer, match.first) ||
      !lexer.sp() || !parse_known_set(lexer, match.second) || !lexer.expect(')', "List is not closed"))
    return false;
  const bool same = match.first.resolve(0).count() == match.second.resolve(0).count();
  return same || lexer.fail_at(start, "Sequence match data differ in length");
}

bool parse_qresync(Lexer& lexer, QresyncParameters& qresync) {
  if (!lexer.sp() || !lexer.expect('(', "Expected QRESYNC parameters") ||
      !lexer.nz_number(qresync.uidvalidity) || !lexer.sp() || !lexer.number64(qresync.modseq))
    return false;
  if (lexer.peek() == ' ' && !lexer.eat_sp_before('(')) {
    if (!lexer.sp() || !parse_known_set(lexer, qresync.known_uids.emplace())) return false;
    if (lexer.eat_sp_before('(') && !parse_seq_match(lexer, qresync)) return false;
  } else if (lexer.peek() == '(' && !parse_seq_match(lexer, qresync)) {
    return false;
  }
  return lexer.expect(')', "QRESYNC parameters are not closed");
}

}  // namespace

bool parse_mailbox(Lexer& lexer, Command& command) {
  return lexer.sp() && lexer.astring(command.arguments.emplace<MailboxCommand>().mailbox);
}

bool parse_select(Lexer& lexer, Command& command) {
  auto& select = command.arguments.emplace<SelectCommand>();
  if (!lexer.sp() || !lexer.astring(select.mailbox)) return false;
  if (!lexer.eat_sp_before('(')) return true;
  return parse_parenthesised(lexer, false, [&] {
    if (lexer.eat_word("CONDSTORE")) return select.condstore = true;
    const size_t start = lexer.offset();
    if (!lexer.eat_word("QRESYNC")) return lexer.fail("Unknown SELECT parameter");
    if (select.qresync) return lexer.fail_at(start, "QRESYNC is given twice");
    return parse_qresync(lexer, select.qresync.emplace());
  });
}

bool parse_create(Lexer& lexer, Command& command) {
  auto& create = command.arguments.emplace<CreateCommand>();
  if (!lexer.sp() || !lexer.astring(create.mailbox)) return false;
  if (!lexer.eat_sp_before('(')) return true;
  return parse_parenthesised(lexer, false, [&] {
    if (!lexer.eat_word("USE")) return lexer.fail("Unknown CREATE parameter");
    return lexer.sp() && parse_parenthesised(lexer, true, [&] {
             std::string_view use;
             if (!lexer.expect('\\', "Expected a special use") || !lexer.atom(use, "Expected a special use"))
               return false;
             create.special_use.push_back("\\" + std::string(use));
             return true;
           });
  });
}

bool parse_rename(Lexer& lexer, Command& command) {
  auto& rename = command.arguments.emplace<RenameCommand>();
  return lexer.sp() && lexer.astring(rename.from) && lexer.sp() && lexer.astring(rename.to);
}

bool parse_status_items(Lexer& lexer, uint16_t& items) {
  return parse_parenthesised(lexer, false, [&] {
    const size_t start = lexer.offset();
    const std::string_view word = lexer.word();
    for (const StatusName& known : kStatusItems) {
      if (!iequals(known.name, word)) continue;
      items |= known.item;
      return true;
    }
    return lexer.fail_at(start, "Unknown STATUS item");
  });
}

bool parse_status(Lexer& lexer, Command& command) {
  auto& status = command.arguments.emplace<StatusCommand>();
  return lexer.sp() && lexer.astring(status.mailbox) && lexer.sp() && parse_status_items(lexer, status.items);
}

}  // namespace dromos::imapd::detail
