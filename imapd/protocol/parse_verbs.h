// Inside of the parser: one function per family of verbs, called with the lexer just past the verb. Not for
// others.
#pragma once

#include "imapd/protocol/command.h"
#include "imapd/protocol/lexer.h"

namespace dromos::imapd::detail {

using ParseArguments = bool (*)(Lexer&, Command&);

// parse_session.cpp
bool parse_nothing(Lexer&, Command&);
bool parse_authenticate(Lexer&, Command&);
bool parse_login(Lexer&, Command&);
bool parse_enable(Lexer&, Command&);
bool parse_id(Lexer&, Command&);
bool parse_compress(Lexer&, Command&);
bool parse_strings(Lexer&, Command&);

// parse_notify.cpp
bool parse_notify(Lexer&, Command&);
/// "selected", "subtree (a b)" and so on; `search` adds subtree-one and takes selected-delayed away (RFC
/// 7377).
bool parse_mailbox_filter(Lexer&, MailboxFilter&, bool search);

// parse_mailbox.cpp
bool parse_select(Lexer&, Command&);
bool parse_mailbox(Lexer&, Command&);
bool parse_create(Lexer&, Command&);
bool parse_rename(Lexer&, Command&);
bool parse_status(Lexer&, Command&);
bool parse_status_items(Lexer&, uint16_t& items);

// parse_list.cpp
bool parse_list(Lexer&, Command&);
bool parse_lsub(Lexer&, Command&);

// parse_access.cpp
bool parse_set_acl(Lexer&, Command&);
bool parse_acl_identifier(Lexer&, Command&);
bool parse_get_quota(Lexer&, Command&);
bool parse_set_quota(Lexer&, Command&);
bool parse_url_list(Lexer&, Command&);
bool parse_reset_key(Lexer&, Command&);

// parse_metadata.cpp
bool parse_get_metadata(Lexer&, Command&);
bool parse_set_metadata(Lexer&, Command&);
bool parse_entry_name(Lexer&, std::string& entry);

// parse_fetch.cpp
bool parse_fetch(Lexer&, Command&);
/// "(" items ")", macros not among them.
bool parse_fetch_list(Lexer&, std::vector<FetchItem>& items);
bool parse_partial_range(Lexer&, PartialRange&);

// parse_store.cpp
bool parse_store(Lexer&, Command&);
bool parse_copy(Lexer&, Command&);
bool parse_expunge(Lexer&, Command&);

// parse_append.cpp
bool parse_append(Lexer&, Command&);
bool parse_replace(Lexer&, Command&);

// parse_search.cpp, parse_search_key.cpp
bool parse_search(Lexer&, Command&);
bool parse_sort(Lexer&, Command&);
bool parse_thread(Lexer&, Command&);
bool parse_esearch(Lexer&, Command&);
/// One key; `budget` is how many more keys the command may have.
bool parse_search_key(Lexer&, SearchKey&, int depth, size_t& budget);

/// "(" element *(SP element) ")"; with `empty_allowed` also "()". element(): bool.
template <class Element>
bool parse_parenthesised(Lexer& lexer, bool empty_allowed, Element element) {
  if (!lexer.expect('(', "Expected a parenthesised list")) return false;
  if (empty_allowed && lexer.eat(')')) return true;
  while (element()) {
    if (lexer.eat(')')) return true;
    if (!lexer.expect(' ', "List is not closed")) return false;
  }
  return false;
}

}  // namespace dromos::imapd::detail
