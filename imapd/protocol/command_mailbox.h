// Arguments of the commands about mailboxes. Mailbox names and LIST patterns stay in wire form:
// mailbox_from_wire and list_pattern_from_wire decode them, as only the session knows whether UTF-8 is
// enabled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imapd/protocol/sequence_set.h"

namespace dromos::imapd {

/// RFC 7162 §3.2.5.
struct QresyncParameters {
  uint32_t uidvalidity = 0;
  uint64_t modseq = 0;
  std::optional<SequenceSet> known_uids;
  /// Message numbers and their UIDs, the same count on both sides.
  std::optional<std::pair<SequenceSet, SequenceSet>> seq_match;
};

/// SELECT and EXAMINE.
struct SelectCommand {
  std::string mailbox;
  bool condstore = false;
  std::optional<QresyncParameters> qresync;
};

/// DELETE SUBSCRIBE UNSUBSCRIBE GETQUOTAROOT GETACL MYRIGHTS.
struct MailboxCommand {
  std::string mailbox;
};

struct CreateCommand {
  std::string mailbox;
  std::vector<std::string> special_use;  // "\Sent", as sent (RFC 6154 §3)
};

struct RenameCommand {
  std::string from;
  std::string to;
};

enum StatusItem : uint16_t {
  kStatusMessages = 1,
  kStatusRecent = 2,
  kStatusUidNext = 4,
  kStatusUidValidity = 8,
  kStatusUnseen = 16,
  kStatusSize = 32,              // RFC 8438
  kStatusDeleted = 64,           // RFC 9051
  kStatusHighestModseq = 128,    // RFC 7162
  kStatusMailboxId = 256,        // RFC 8474
  kStatusAppendLimit = 512,      // RFC 7889
  kStatusDeletedStorage = 1024,  // RFC 9208
};

struct StatusCommand {
  std::string mailbox;
  uint16_t items = 0;  // StatusItem bits
};

/// LIST, plain and extended (RFC 5258), and LSUB.
struct ListCommand {
  bool extended = false;  // selection options, several patterns or RETURN were there
  bool select_subscribed = false;
  bool select_remote = false;
  bool select_recursive_match = false;
  bool select_special_use = false;
  std::string reference;
  std::vector<std::string> patterns;
  bool return_subscribed = false;
  bool return_children = false;
  bool return_special_use = false;
  bool return_my_rights = false;             // RFC 8440
  uint16_t return_status = 0;                // StatusItem bits; RFC 5819
  std::vector<std::string> return_metadata;  // entry names, lower case; RFC 9590
};
inline constexpr size_t kMaxListPatterns = 1000;

}  // namespace dromos::imapd
