// Arguments of FETCH and STORE, COPY and MOVE, UID EXPUNGE.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imapd/protocol/flags.h"
#include "imapd/protocol/sequence_set.h"

namespace dromos::imapd {

/// RFC 9394 §3: 1:100 counts from the oldest, -1:-100 from the newest; first <= last.
struct PartialRange {
  bool from_end = false;
  uint32_t first = 1;
  uint32_t last = 1;
  bool operator==(const PartialRange&) const = default;
  std::string format() const;
};

/// The bracket of BODY[...] and BINARY[...].
struct Section {
  enum class What { whole, header, header_fields, header_fields_not, text, mime };
  std::vector<uint32_t> part;  // "1.2" -> {1, 2}
  What what = What::whole;
  std::vector<std::string> fields;  // as sent
  bool operator==(const Section&) const = default;
  /// "1.2.HEADER.FIELDS (From To)", as the response repeats it.
  std::string format() const;
};
inline constexpr size_t kMaxPartDepth = 100;
inline constexpr size_t kMaxHeaderFields = 1000;
inline constexpr size_t kMaxFetchItems = 1000;

struct FetchItem {
  enum class Kind : uint8_t {
    envelope,
    flags,
    internal_date,
    rfc822,
    rfc822_header,
    rfc822_size,
    rfc822_text,
    body,  // BODY without section
    body_structure,
    body_section,
    binary,
    binary_size,
    uid,
    modseq,
    preview,
    email_id,
    thread_id,
    save_date,
  };
  Kind kind = Kind::flags;
  bool peek = false;  // does not set \Seen
  bool lazy = false;  // PREVIEW (LAZY)
  Section section;
  std::optional<std::pair<uint64_t, uint64_t>> partial;  // first octet, at most so many
  bool operator==(const FetchItem&) const = default;
  /// The name the response gives it: "BODY[1.TEXT]<0>", "BINARY.SIZE[2]", "RFC822.SIZE".
  std::string label() const;
  bool sets_seen() const;
};

struct FetchCommand {
  SequenceSet set;
  std::vector<FetchItem> items;  // macros are unfolded
  std::optional<uint64_t> changed_since;
  bool vanished = false;
  std::optional<PartialRange> partial;
};

struct StoreCommand {
  enum class Change { replace, add, remove };
  SequenceSet set;
  Change change = Change::replace;
  bool silent = false;
  FlagSet flags;
  std::optional<uint64_t> unchanged_since;
};

/// COPY and MOVE.
struct CopyCommand {
  SequenceSet set;
  std::string mailbox;
};

/// UID EXPUNGE.
struct ExpungeCommand {
  SequenceSet set;
};

}  // namespace dromos::imapd
