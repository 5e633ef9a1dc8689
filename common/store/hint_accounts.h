// What stands in place of an account in hints between daemons (Change, rpc::Hint) where news concern no
// single account's changelog.
#pragma once

#include "common/base/ids.h"

namespace dromos::store {

/// What people may do with each other's mailboxes changed; the modseq is of whose it was.
inline constexpr AccountId kSharingHint{};
/// A message went into or out of Junk: there may be a lesson for spamd. The modseq says nothing.
inline constexpr AccountId kLessonHint{-1};

}  // namespace dromos::store
