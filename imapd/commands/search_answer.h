// What SEARCH, SORT, THREAD and ESEARCH share: a program made ready, the ESEARCH response, what SAVE keeps.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imapd/commands/context.h"
#include "imapd/service/search.h"

namespace dromos::imapd {

/// Messages found, in the order that was asked for.
struct Found {
  std::vector<uint32_t> numbers;
  std::vector<uint8_t> scores;  // parallel to them; empty: no relevancy
};

/// Texts to UTF-8. The answer, if their charset is unknown.
std::optional<Reply> make_utf8(SearchProgram& program);
/// Why these options cannot be had (BAD); empty: they can.
std::string_view return_objection(const SearchReturn& result, const SearchProgram& program,
                                  std::span<const SortKey> keys);
/// The selected mailbox as the client knows it, for a search that ends when its client has gone.
SearchScope scope_of(Context& context);
/// For reads on behalf of one search.
inline Deadline search_deadline() {
  return Deadline::after(seconds(120));
}

/// RETURN options with ALL where nothing is chosen.
SearchReturn result_options(const SearchReturn& given);
/// True if an ESEARCH response must be written: not for SAVE alone.
bool tells(const SearchReturn& wanted);
/// The results a range names (RFC 9394 §3.1), in their order.
std::span<const uint32_t> part_of(const PartialRange& range, std::span<const uint32_t> results);
/// Highest modseq of the messages told of (RFC 7162 §3.1.5, RFC 4731 §3.2); 0 if there are none.
uint64_t modseq_of(const MailboxVersion& version, const Found& found, const SearchReturn& wanted);
/// Uids for `$` (RFC 5182 §2.4, RFC 9394 §3.2).
NumberSet to_save(const MailboxVersion& version, const Found& found, const SearchReturn& wanted);

struct EsearchHead {
  std::string_view tag;
  std::string_view mailbox;  // as the store has it; empty: not told
  uint32_t uidvalidity = 0;
  bool uid = false;
};
/// "* ESEARCH (TAG ...)[ UID]".
void begin_esearch(Writer& out, const EsearchHead& head);
/// `shown`: the numbers or uids of `found`.
void write_esearch(Writer& out, const EsearchHead& head, const SearchReturn& wanted,
                   std::span<const uint32_t> shown, std::span<const uint8_t> scores, uint64_t modseq);
/// The uids of message numbers, in their order.
std::vector<uint32_t> uids_in_order(const MailboxVersion& version, std::span<const uint32_t> numbers);

}  // namespace dromos::imapd
