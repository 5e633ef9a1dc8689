// AccountWatch: sessions of this process that want to hear of anything that changes in an account (NOTIFY,
// unsolicited METADATA), not only in the mailbox they have selected. Thread-safe; costs nothing while nobody
// watches.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/async/reactor.h"
#include "common/store/hint_accounts.h"
#include "common/store/types.h"
#include "imapd/service/shared_mailbox.h"

namespace dromos::imapd {

/// In place of an account: what people may do with each other's mailboxes (store::Sharing::modseq).
inline constexpr AccountId kSharing = store::kSharingHint;

class AccountWatcher;

class AccountWatch : public std::enable_shared_from_this<AccountWatch> {
 public:
  /// The account is at this modseq now: its watchers are told, each on its thread, once a modseq.
  void moved(store::Change change);
  /// Accounts with watchers and the modseq they were told last, for the poll behind lost hints.
  std::vector<store::Change> watched() const;

 private:
  friend class AccountWatcher;
  struct Watch {
    Reactor* reactor;
    AccountWatcher* watcher;
  };
  struct Account {
    int64_t told = 0;
    std::vector<Watch> watches;
  };
  void watch(AccountId account, AccountWatcher& watcher);
  void unwatch(AccountId account, AccountWatcher& watcher);
  void tell_here(AccountId account);

  std::atomic<size_t> count_ = 0;
  mutable std::mutex mutex_;
  std::unordered_map<AccountId, Account> accounts_;
};

/// What one session watches, for one purpose. Lives on one thread; there `session` is told.
class AccountWatcher {
 public:
  AccountWatcher(std::shared_ptr<AccountWatch> watch, MailboxWatcher& session)
      : watch_(std::move(watch)), session_(session) {}
  ~AccountWatcher();
  AccountWatcher(const AccountWatcher&) = delete;
  AccountWatcher& operator=(const AccountWatcher&) = delete;

  void add(AccountId account);
  /// Whether any of them moved since this was asked last; at first they did. True at once when a change is
  /// published, before the session is told.
  bool take_moved() { return moved_.exchange(false); }
  /// take_moved() is true once more, though nothing moved.
  void look_again() { moved_ = true; }

 private:
  friend class AccountWatch;
  const std::shared_ptr<AccountWatch> watch_;
  MailboxWatcher& session_;
  std::atomic<bool> moved_ = true;
  std::set<AccountId> accounts_;
};

}  // namespace dromos::imapd
