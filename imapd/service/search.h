// Search: a key tree against a version of a mailbox (RFC 9051 §6.4.4, RFC 5032, RFC 7162 §3.1.5, RFC 8474,
// RFC 8514). Keys about uids, flags, sizes and dates are answered from the version; text keys scan the stored
// extracts, SENT* keys the facts, both only of messages that the other keys leave open.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "imapd/protocol/command_search.h"
#include "imapd/service/shared_mailbox.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

struct SearchScope {
  const SharedMailbox* mailbox = nullptr;
  VersionPtr version;
  NumberSet saved;                   // uids of `$`
  std::optional<NumberSet> only{};   // message numbers; others are not looked at
  NumberSet recent;                  // uids
  std::function<bool()> unwanted{};  // asked between batches: nobody waits for the answer any more
  std::function<void(size_t, size_t)> progress{};  // told between batches: messages looked at, of how many
};

/// Message numbers, ascending. The texts of the program must be UTF-8. Errc::invalid_argument: a key that
/// this server does not offer; Errc::closed: unwanted.
Task<Result<std::vector<uint32_t>>> run_search(Worker& worker, SearchScope scope,
                                               const SearchProgram& program, Deadline deadline);

struct SearchHits {
  std::vector<uint32_t> numbers;
  std::vector<uint8_t> scores;  // 1 to 100, parallel; empty without FUZZY keys
};
/// The same with relevancy scores (RFC 6203 §4).
Task<Result<SearchHits>> search_with_scores(Worker& worker, SearchScope scope, const SearchProgram& program,
                                            Deadline deadline);

}  // namespace dromos::imapd
