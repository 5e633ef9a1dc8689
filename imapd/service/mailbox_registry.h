// MailboxRegistry: the selected mailboxes of one worker, shared by its sessions, within a byte budget.
// Mailboxes that nobody has selected stay until their memory is wanted.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/async/task_group.h"
#include "common/store/types.h"
#include "imapd/service/shared_mailbox.h"

namespace dromos::imapd {

class MailboxRegistry {
 public:
  MailboxRegistry(store::Mailboxes& mailboxes, store::Entries& entries, size_t budget)
      : mailboxes_(mailboxes), entries_(entries), budget_(budget) {}

  /// Loaded and as new as the store. Errc::limit_exceeded: no room for another mailbox now.
  Task<Result<std::shared_ptr<SharedMailbox>>> open(AccountId account, MailboxId id, Deadline deadline);
  Task<Result<void>> refresh(SharedMailbox& mailbox, Deadline deadline) {
    return mailbox.refresh(mailboxes_, entries_, deadline);
  }
  /// The account is at this modseq now: its watched mailboxes look what happened.
  void account_moved(store::Change change);
  /// Accounts with watched mailboxes and the modseq up to which they were followed.
  std::vector<store::Change> watched() const;
  size_t memory() const { return memory_; }
  size_t size() const { return lru_.size(); }
  Task<void> close() { return group_.close(); }

 private:
  struct Account {
    std::map<MailboxId, std::list<std::shared_ptr<SharedMailbox>>::iterator> mailboxes;
    int64_t followed = 0;
  };
  Task<void> follow(std::shared_ptr<SharedMailbox> mailbox);
  void evict();
  void forget(const SharedMailbox& mailbox);

  store::Mailboxes& mailboxes_;
  store::Entries& entries_;
  const size_t budget_;
  std::list<std::shared_ptr<SharedMailbox>> lru_;  // newest use first
  std::unordered_map<AccountId, Account> accounts_;
  size_t memory_ = 0;
  TaskGroup group_;
};

}  // namespace dromos::imapd
