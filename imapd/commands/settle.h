// settle: after a session has written to its selected mailbox. Others are told of it, and the mailbox in
// memory comes to hold it: from what the write answered, if the mailbox was then as we had it, else by
// reading it.
#pragma once

#include "common/store/entries.h"
#include "imapd/commands/context.h"

namespace dromos::imapd {

/// `unsure`: what `change` does not tell may have happened, too. Errors: those of reading the mailbox.
Task<Result<void>> settle(Context& context, store::Change change, bool unsure);
Task<Result<void>> settle_flags(Context& context, store::FlagOp op, const store::FlagSet& flags,
                                const store::StoreResult& stored);
Task<Result<void>> settle_expunge(Context& context, const store::ExpungeResult& gone);

}  // namespace dromos::imapd
