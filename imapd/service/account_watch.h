// AccountWatch: sessions of this process that want to hear of anything that changes in an account (NOTIFY),
// not only in the mailbox they have selected. Thread-safe; costs nothing while nobody watches.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/async/reactor.h"
#include "common/store/types.h"
#include "imapd/service/shared_mailbox.h"

namespace dromos::imapd {

class AccountWatch : public std::enable_shared_from_this<AccountWatch> {
 public:
  /// Watchers come and go on their own thread.
  void watch(AccountId account, MailboxWatcher& watcher);
  void unwatch(AccountId account, MailboxWatcher& watcher);
  /// The account is at this modseq now: its watchers are told, each on its thread, once a modseq.
  void moved(store::Change change);
  /// Accounts with watchers and the modseq they were told last, for the poll behind lost hints.
  std::vector<store::Change> watched() const;

 private:
  struct Watch {
    Reactor* reactor;
    MailboxWatcher* watcher;
  };
  struct Account {
    int64_t told = 0;
    std::vector<Watch> watches;
  };
  void tell_here(AccountId account);

  std::atomic<size_t> count_ = 0;
  mutable std::mutex mutex_;
  std::unordered_map<AccountId, Account> accounts_;
};

}  // namespace dromos::imapd
