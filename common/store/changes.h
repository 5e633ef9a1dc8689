// States and changes of an account, for JMAP and for following hints.
#pragma once

#include <cstdint>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct AccountStates {
  int64_t modseq = 0;
  int64_t email = 0;
  int64_t mailbox = 0;
  int64_t thread = 0;
  int32_t epoch = 0;  ///< part of every state given out: a restore raises it
};

/// Objects changed after a modseq. More than `limit` distinct ids: the list ends at a modseq boundary, more
/// is true.
template <class Id>
struct ObjectChanges {
  int64_t new_modseq = 0;
  bool more = false;
  std::vector<Id> created;
  std::vector<Id> updated;
  std::vector<Id> destroyed;
};

struct MailboxChanges : ObjectChanges<MailboxId> {
  /// No property but counts changed in `updated`.
  bool only_counts = false;
};

class Changes {
 public:
  explicit Changes(db::Pool& pool) : pool_(pool) {}
  Task<Result<AccountStates>> states(AccountId account, Deadline deadline);
  /// modseq of each of many accounts that are above the given ones: the slow poll behind lost hints.
  Task<Result<std::vector<Change>>> moved(std::vector<Change> known, Deadline deadline);
  /// StoreErrc::cannot_change when `since` lies below the changelog's floor.
  Task<Result<ObjectChanges<MessageId>>> emails(AccountId account, int64_t since, size_t limit,
                                                Deadline deadline);
  Task<Result<ObjectChanges<ThreadId>>> threads(AccountId account, int64_t since, size_t limit,
                                                Deadline deadline);
  /// With a limit, all up to a modseq at which at most so many had changed; more than `limit` if one
  /// transaction alone changed more.
  Task<Result<MailboxChanges>> mailboxes(AccountId account, int64_t since, size_t limit, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
