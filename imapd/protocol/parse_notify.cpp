// NOTIFY (RFC 5465 §3, §5, §8) and the mailbox filters it shares with ESEARCH (RFC 7377 §2.2).
#include <array>

#include "common/base/strings.h"
#include "imapd/protocol/parse_verbs.h"

namespace dromos::imapd::detail {
namespace {

using Kind = MailboxFilter::Kind;
using Group = NotifyCommand::Group;

struct FilterName {
  std::string_view name;
  Kind kind;
};
constexpr std::array<FilterName, 8> kFilters{{{"SELECTED", Kind::selected},
                                              {"SELECTED-DELAYED", Kind::selected_delayed},
                                              {"INBOXES", Kind::inboxes},
                                              {"PERSONAL", Kind::personal},
                                              {"SUBSCRIBED", Kind::subscribed},
                                              {"SUBTREE", Kind::subtree},
                                              {"SUBTREE-ONE", Kind::subtree_one},
                                              {"MAILBOXES", Kind::mailboxes}}};

struct EventName {
  std::string_view name;
  NotifyCommand::Event event;
};
constexpr std::array<EventName, 8> kEvents{{{"MessageNew", NotifyCommand::kMessageNew},
                                            {"MessageExpunge", NotifyCommand::kMessageExpunge},
                                            {"FlagChange", NotifyCommand::kFlagChange},
                                            {"AnnotationChange", NotifyCommand::kAnnotationChange},
                                            {"MailboxName", NotifyCommand::kMailboxName},
                                            {"SubscriptionChange", NotifyCommand::kSubscriptionChange},
                                            {"MailboxMetadataChange", NotifyCommand::kMailboxMetadataChange},
                                            {"ServerMetadataChange", NotifyCommand::kServerMetadataChange}}};

bool is_selected(Kind kind) {
  return kind == Kind::selected || kind == Kind::selected_delayed;
}

bool parse_event(Lexer& lexer, Group& group) {
  std::string_view word;
  if (!lexer.atom(word, "Expected an event")) return false;
  for (const EventName& known : kEvents) {
    if (!iequals(known.name, word)) continue;
    group.events |= known.event;
    if (known.event != NotifyCommand::kMessageNew || !lexer.eat_sp_before('(')) return true;
    if (!is_selected(group.filter.kind)) return lexer.fail("FETCH items go with the selected mailbox only");
    return parse_fetch_list(lexer, group.fetch);
  }
  group.unknown_events.emplace_back(word);
  return true;
}

bool check_events(Lexer& lexer, size_t start, const Group& group) {
  const bool added = (group.events & NotifyCommand::kMessageNew) != 0;
  const bool expunged = (group.events & NotifyCommand::kMessageExpunge) != 0;
  if (added != expunged) return lexer.fail_at(start, "MessageNew and MessageExpunge go together");
  constexpr uint16_t kNeedsBoth = NotifyCommand::kFlagChange | NotifyCommand::kAnnotationChange;
  if ((group.events & kNeedsBoth) != 0 && !added)
    return lexer.fail_at(start, "FlagChange needs MessageNew and MessageExpunge");
  constexpr uint16_t kMessageEvents =
      NotifyCommand::kMessageNew | NotifyCommand::kMessageExpunge | kNeedsBoth;
  if (is_selected(group.filter.kind) && (group.events & ~kMessageEvents) != 0)
    return lexer.fail_at(start, "Only message events for the selected mailbox");
  return true;
}

bool parse_group(Lexer& lexer, NotifyCommand& notify) {
  const size_t start = lexer.offset();
  Group& group = notify.groups.emplace_back();
  if (!lexer.expect('(', "Expected an event group") || !parse_mailbox_filter(lexer, group.filter, false) ||
      !lexer.sp())
    return false;
  if (is_selected(group.filter.kind))
    for (size_t i = 0; i + 1 < notify.groups.size(); ++i)
      if (is_selected(notify.groups[i].filter.kind))
        return lexer.fail_at(start, "Only one group for the selected mailbox");
  if (!lexer.eat_word("NONE") &&
      !parse_parenthesised(lexer, false, [&] { return parse_event(lexer, group); }))
    return false;
  return check_events(lexer, start, group) && lexer.expect(')', "Event group is not closed");
}

}  // namespace

bool parse_mailbox_filter(Lexer& lexer, MailboxFilter& filter, bool search) {
  const size_t start = lexer.offset();
  const std::string_view word = lexer.word();
  const FilterName* found = nullptr;
  for (const FilterName& known : kFilters)
    if (iequals(known.name, word)) found = &known;
  if (found == nullptr || found->kind == (search ? Kind::selected_delayed : Kind::subtree_one))
    return lexer.fail_at(start, "Unknown mailbox filter");
  filter.kind = found->kind;
  if (filter.kind < Kind::subtree) return true;
  if (!lexer.sp()) return false;
  const auto mailbox = [&] { return lexer.astring(filter.mailboxes.emplace_back()); };
  return lexer.peek() == '(' ? parse_parenthesised(lexer, false, mailbox) : mailbox();
}

bool parse_notify(Lexer& lexer, Command& command) {
  auto& notify = command.arguments.emplace<NotifyCommand>();
  if (!lexer.sp()) return false;
  if (lexer.eat_word("NONE")) return notify.none = true;
  if (!lexer.eat_word("SET")) return lexer.fail("Expected SET or NONE");
  if (!lexer.sp()) return false;
  notify.status = lexer.eat_word("STATUS");
  if (notify.status && !lexer.sp()) return false;
  do {
    if (!parse_group(lexer, notify)) return false;
  } while (lexer.eat_sp_before('('));
  return true;
}

}  // namespace dromos::imapd::detail
