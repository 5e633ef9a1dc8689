// Substring search over stored extracts: the answer of IMAP SEARCH TEXT and BODY; depends on no index.
#pragma once

#include <string>
#include <vector>

#include "common/store/messages.h"

namespace dromos::store {

/// Uids whose extract holds every one of `needles` (case-folded by common/mime, as the extract). `truncated`
/// gets those whose extract was cut and that did not match: search their raw bytes.
Task<Result<UidSet>> search_text(Messages& messages, AccountId account, MailboxId mailbox, const UidSet& uids,
                                 std::vector<std::string> needles, UidSet* truncated, Deadline deadline);

}  // namespace dromos::store
