// MailboxCache: the mailboxes that sessions of this process have selected, one SharedMailbox each for all
// workers, within a byte budget. Mailboxes that nobody has selected stay until their memory is wanted.
//
// Thread-safe; its lock is held for look-ups only, never over a read of the store. Each call costs what it
// touches: nothing walks all mailboxes but watched(), for the slow poll.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/store/types.h"
#include "imapd/service/shared_mailbox.h"

namespace dromos::imapd {

class MailboxCache : public std::enable_shared_from_this<MailboxCache> {
 public:
  /// Owned by shared_ptr: what take() gives may outlive everything else.
  static std::shared_ptr<MailboxCache> make(size_t budget) {
    return std::shared_ptr<MailboxCache>(new MailboxCache(budget));
  }

  /// The mailbox, loaded or not; while the pointer lives it is not evicted.
  std::shared_ptr<SharedMailbox> take(AccountId account, MailboxId id);
  /// The mailbox if it is here and loaded, else null.
  std::shared_ptr<SharedMailbox> held(AccountId account, MailboxId id);
  /// SharedMailbox::recent_from() of a mailbox that is here; 0: it is not.
  uint64_t recent_from(AccountId account, MailboxId id);
  /// After a refresh: charges its memory, evicts others. False: over the budget even so.
  bool charge(SharedMailbox& mailbox);

  /// The account is at this modseq now: its selected mailboxes that are behind, once; later calls with it
  /// give none.
  std::vector<std::shared_ptr<SharedMailbox>> to_follow(store::Change change);
  /// Not followed after all: the next hint or poll tries again.
  void not_followed(const SharedMailbox& mailbox);
  /// Accounts with watched mailboxes and the modseq up to which they were followed.
  std::vector<store::Change> watched() const;

  size_t memory() const;
  size_t size() const;

 private:
  struct Entry {
    std::shared_ptr<SharedMailbox> mailbox;
    size_t pins = 0;
    size_t charged = 0;
    std::list<SharedMailbox*>::iterator idle;  // its place if pins is 0, else the end
  };
  struct Account {
    std::map<MailboxId, Entry> mailboxes;
    int64_t followed = 0;
  };
  explicit MailboxCache(size_t budget) : budget_(budget) {}
  Entry* find(AccountId account, MailboxId id);
  std::shared_ptr<SharedMailbox> pin(Entry& entry);
  void unpin(const std::shared_ptr<SharedMailbox>& mailbox);
  /// Gives what it drops to `dropped`, to die outside the lock.
  void evict(std::vector<std::shared_ptr<SharedMailbox>>& dropped);
  std::shared_ptr<SharedMailbox> drop(const SharedMailbox& mailbox);
  void publish_metrics() const;

  const size_t budget_;
  mutable std::mutex mutex_;
  std::unordered_map<AccountId, Account> accounts_;
  std::list<SharedMailbox*> idle_;  // not taken by anybody, newest use first
  size_t memory_ = 0;
  size_t size_ = 0;
};

}  // namespace dromos::imapd
