// MailboxRegistry: one worker's way to the mailboxes that all workers share (MailboxCache): opens and
// refreshes them with the worker's database pool.
#pragma once

#include <memory>
#include <vector>

#include "common/async/task_group.h"
#include "common/store/types.h"
#include "imapd/service/mailbox_cache.h"

namespace dromos::imapd {

class MailboxRegistry {
 public:
  MailboxRegistry(store::Mailboxes& mailboxes, store::Entries& entries, store::PrivateSeens& seens,
                  std::shared_ptr<MailboxCache> cache)
      : mailboxes_(mailboxes), entries_(entries), seens_(seens), cache_(std::move(cache)) {}

  /// Loaded and as new as the store. Errc::limit_exceeded: no room for another mailbox now. `known`: its
  /// highestmodseq as read a moment ago; if that is what it is at in memory, nothing is read.
  Task<Result<std::shared_ptr<SharedMailbox>>> open(AccountId account, MailboxId id, Deadline deadline,
                                                    int64_t known = 0);
  Task<Result<void>> refresh(SharedMailbox& mailbox, Deadline deadline);
  /// These look what happened.
  void follow(std::vector<std::shared_ptr<SharedMailbox>> behind);
  Task<void> close() { return group_.close(); }

 private:
  Task<void> follow_one(std::shared_ptr<SharedMailbox> mailbox);

  store::Mailboxes& mailboxes_;
  store::Entries& entries_;
  store::PrivateSeens& seens_;
  const std::shared_ptr<MailboxCache> cache_;
  TaskGroup group_;
};

}  // namespace dromos::imapd
