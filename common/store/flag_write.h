// Internal to the store: STORE as owners and guests do it (entries.h, sharing.h, private_seen.h): one way to
// write it and to read what it did.
#pragma once

#include "common/store/entries.h"
#include "common/store/write.h"

namespace dromos::store {

/// A set of uids as text.
UidSet uids_of(const db::Rows& rows, size_t row, int column);

/// `statement` gives modseq, changed, failed, and StoreResult::before. A conditional one (UNCHANGEDSINCE) is
/// never done twice: a second try would find the first one's modseqs, so StoreErrc::unknown tells the caller
/// to read what happened.
Task<Result<StoreResult>> write_flags(db::Pool& pool, const db::Statement& statement, AccountId account,
                                      std::function<db::Params()> params, bool conditional,
                                      Deadline deadline);

}  // namespace dromos::store
