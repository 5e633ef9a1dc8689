// MESSAGELIMIT (RFC 9738): how many messages one command may process. What is announced
// (imapd.limits.messages_per_command) binds nobody (§4.2); only messages_per_command_enforced does, and it is
// the number that response codes tell, since it is what was processed.
//
// SEARCH, FETCH, STORE, MOVE and UID EXPUNGE are cut to the highest uids and answer OK; who asks again for
// what lies below the uid in the code has asked for everything. COPY and APPEND are refused whole. EXPUNGE,
// CLOSE, STATUS and SORT (whose keys are kept) know no limit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "imapd/commands/context.h"
#include "imapd/service/search.h"

namespace dromos::imapd {

class MessageLimit {
 public:
  explicit MessageLimit(Context& context);

  /// Whether these are more than is announced: only then there is anything to cut, or to count.
  bool over(uint64_t messages) const { return announced_ != 0 && messages > announced_; }
  /// Leaves of the message numbers (ascending) those that the command may process.
  void cut(NumberSet& numbers, const MailboxVersion& version);
  void cut(std::vector<uint32_t>& numbers, const MailboxVersion& version);
  /// The same for what a search looks at (§3.1: the messages searched, not those found).
  Result<void> cut(SearchScope& scope, const SearchProgram& program);
  /// Counts a command about so many messages; true if it may not process them all.
  bool exceeded_by(uint64_t messages);

  /// Something was cut.
  bool reached() const { return lowest_ != 0; }
  /// Whether what was left tells that range of the results: not the first of them.
  bool knows(const std::optional<PartialRange>& range) const;
  /// The answer with the code. An answer that has one of its own (EXPUNGEISSUED, MODIFIED, HIGHESTMODSEQ)
  /// keeps it; MESSAGELIMIT then goes before, in an untagged NO (§3.1).
  Reply answer(Reply reply) const;
  /// NO to a command of which nothing was done, with the uid from which on it could have been, if that is
  /// `told`.
  Reply refusal(std::string text, bool told = false) const;

 private:
  std::string code(bool with_uid) const;
  Context& context_;
  const uint32_t announced_;
  const uint32_t enforced_;
  uint32_t lowest_ = 0;  // uid processed, if something was cut
};

/// The answer to an APPEND of so many messages, if those are too many (§3.1).
std::optional<Reply> too_many_to_append(const Context& context, size_t messages);

}  // namespace dromos::imapd
