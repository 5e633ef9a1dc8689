// Flags of a command as the store takes them, and what a reader's rights leave of them.
#pragma once

#include "common/store/rights.h"
#include "imapd/protocol/flags.h"

namespace dromos::imapd {

/// Keywords in lower case and sorted, without \Recent.
store::FlagSet stored_flags(const FlagSet& flags);
/// RFC 4314 §4: flags that may not be set are left out without an error.
void keep_allowed(store::FlagSet& flags, store::Rights rights);

}  // namespace dromos::imapd
