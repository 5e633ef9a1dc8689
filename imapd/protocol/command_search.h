// Arguments of SEARCH, SORT, THREAD and ESEARCH: one key tree for all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "imapd/protocol/command_fetch.h"
#include "imapd/protocol/command_session.h"
#include "imapd/protocol/date.h"
#include "imapd/protocol/sequence_set.h"

namespace dromos::imapd {

inline constexpr int kMaxSearchDepth = 50;
inline constexpr size_t kMaxSearchKeys = 10'000;

struct SearchKey {
  enum class Kind : uint8_t {
    all,
    conjunction,  // children, all of them
    either,       // OR: two children
    negation,     // NOT: one child; UNSEEN and the like are negation-free: see `flag`
    sequence,     // set
    uid,          // set
    flag,         // text: "\Seen" or a keyword
    no_flag,      // text
    new_mail,     // NEW: recent and unseen
    old_mail,     // OLD: not recent
    header,       // name, text ("" asks for presence)
    from,
    to,
    cc,
    bcc,
    subject,
    body,
    text,
    before,  // date: INTERNALDATE
    on,
    since,
    sent_before,
    sent_on,
    sent_since,
    saved_before,
    saved_on,
    saved_since,
    save_date_supported,
    larger,  // number: octets
    smaller,
    older,  // number: seconds
    younger,
    modseq,    // number; name, entry_type if an entry was given
    email_id,  // text
    thread_id,
    uid_after,  // number (RFC 9738)
    uid_before,
    filter,  // text: name of a stored filter (RFC 5466)
  };
  Kind kind = Kind::all;
  bool fuzzy = false;  // RFC 6203; handed down to all keys below
  std::string name;
  std::string text;  // in the command's charset
  std::string entry_type;
  uint64_t number = 0;
  Date date;
  SequenceSet set;
  std::vector<SearchKey> children;
};

struct SearchReturn {
  bool given = false;  // RETURN (...) was there: answer ESEARCH; `RETURN ()` sets all
  bool min = false;
  bool max = false;
  bool all = false;
  bool count = false;
  bool save = false;
  bool update = false;
  bool context = false;
  bool relevancy = false;
  std::optional<PartialRange> partial;
  std::vector<FetchItem> update_fetch;  // UPDATE (items), RFC 5465 §5.1
};

struct SearchProgram {
  std::string charset;  // upper case; "" if not given
  SearchKey root;       // conjunction, also of a single key
  /// Some key needs modseqs: the answer carries MODSEQ (RFC 7162 §3.1.5).
  bool uses_modseq = false;
};

struct SearchCommand {
  SearchReturn result;
  SearchProgram program;
};

struct SortKey {
  enum class Kind { arrival, cc, date, from, size, subject, to, display_from, display_to, relevancy };
  Kind kind = Kind::arrival;
  bool reverse = false;
  bool operator==(const SortKey&) const = default;
};
inline constexpr size_t kMaxSortKeys = 20;

struct SortCommand {
  SearchReturn result;
  std::vector<SortKey> keys;
  SearchProgram program;
};

struct ThreadCommand {
  std::string algorithm;  // upper case
  SearchProgram program;
};

/// RFC 7377.
struct EsearchCommand {
  std::vector<MailboxFilter> sources;  // empty: the selected mailbox
  SearchReturn result;
  SearchProgram program;
};

}  // namespace dromos::imapd
