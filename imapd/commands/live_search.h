// Live searches (RFC 5267 §4.3): SEARCH and SORT with RETURN (UPDATE). sync() notes what happened to the
// selected mailbox; tell_live_searches() looks at the messages concerned and writes ADDTO and REMOVEFROM.
//
// Results are kept as uids, those of SORT in their order. Positions are told for SORT; for SEARCH they are 0.
#pragma once

#include <string>
#include <vector>

#include "imapd/commands/search_answer.h"
#include "imapd/commands/sync.h"

namespace dromos::imapd {

/// Of one session; beyond that NO [NOUPDATE].
inline constexpr size_t kMaxLiveSearches = 10;
/// Results that all live searches of a session but the first hold together.
inline constexpr size_t kMaxLiveResults = 500'000;

struct LiveSearch {
  std::string tag;
  std::string mailbox;  // told by ESEARCH alone
  uint32_t uidvalidity = 0;
  bool uid = false;
  SearchProgram program;      // its message numbers as uids
  std::vector<SortKey> keys;  // empty: a SEARCH
  NumberSet members;
  std::vector<uint32_t> order;    // of a SORT
  std::vector<uint32_t> pending;  // uids to be looked at
  uint32_t arrived = UINT32_MAX;  // those from here on are new
  std::vector<FetchItem> fetch;   // told of new messages that match (RFC 5465 §7)
};

/// UPDATE with a tag that is in use is BAD.
bool live_tag_in_use(const Context& context, std::string_view tag);
/// After the answer to a search with UPDATE: keeps it up to date from now on, or writes NO [NOUPDATE].
void keep_live(Context& context, const EsearchHead& head, const SearchScope& scope, SearchProgram program,
               std::vector<SortKey> keys, const std::vector<uint32_t>& found, std::vector<FetchItem> fetch);
/// UIDONLY: searches that were asked for by number go on by uid.
void tell_uids(Context& context);
/// For sync(), before EXPUNGE is written: numbers are those of `before`.
void note_expunged(Context& context, const MailboxVersion& before, std::span<const uint32_t> uids);
/// For sync(), when `seen` has moved on.
void note_changed(Context& context, const VersionDifference& difference);
/// Writes what became of the searches. A store that is away leaves it to the next time.
Task<void> tell_live_searches(Context& context);

}  // namespace dromos::imapd
