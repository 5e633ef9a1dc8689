// What all of the store speaks in: flags, changes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace dromos::store {

/// Bits of mail.entry.flags.
enum Flag : int32_t { kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16 };

/// What a mutation did, for hints to other daemons. modseq 0: nothing changed.
struct Change {
  AccountId account;
  int64_t modseq = 0;
  explicit operator bool() const { return modseq != 0; }
};

enum class FlagOp : int32_t { replace = 0, add = 1, remove = 2 };

/// Flags and keywords (lower-case, sorted) as stored or to be applied.
struct FlagSet {
  int32_t flags = 0;
  std::vector<std::string> keywords;
};

}  // namespace dromos::store
