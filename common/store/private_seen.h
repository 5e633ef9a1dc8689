// \Seen of one's own (migration 0099): in a mailbox whose owner asked for it, each guest has his own \Seen,
// and neither sees nor changes the owner's. Asked for by the annotation kPrivateSeen, "true".
#pragma once

#include <string_view>
#include <vector>

#include "common/store/entries.h"
#include "common/store/rights.h"

namespace dromos::store {

constexpr std::string_view kPrivateSeen = "/shared/vendor/dromos/private-seen";

struct PrivateSeen {
  /// Messages whose \Seen a reader last changed at `modseq`, and those of them that have it.
  struct Row {
    AccountId reader;
    int64_t modseq = 0;
    UidSet changed;
    UidSet seen;
  };
  /// n > 0: private since modseq n; -n: everybody's again since then; 0: never private. For guests no message
  /// has a lower modseq than n.
  int64_t rule = 0;
  std::vector<Row> rows;
};

class PrivateSeens {
 public:
  explicit PrivateSeens(db::Pool& pool) : pool_(pool) {}
  /// One snapshot. No rows for readers who never changed any. StoreErrc::not_found: no such mailbox.
  Task<Result<PrivateSeen>> get(AccountId owner, MailboxId mailbox, std::vector<AccountId> readers,
                                Deadline deadline);
  /// Entries::store by a guest who holds `rights`: \Seen is his own.
  Task<Result<StoreResult>> store(AccountId owner, MailboxId mailbox, AccountId reader, const UidSet& uids,
                                  FlagOp op, FlagSet flags, Rights rights,
                                  std::optional<int64_t> unchanged_since, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
