#include "imapd/service/account_watch.h"

#include <algorithm>

namespace dromos::imapd {

void AccountWatch::watch(AccountId account, AccountWatcher& watcher) {
  const std::lock_guard lock(mutex_);
  accounts_[account].watches.push_back({&Reactor::current(), &watcher});
  ++count_;
}

void AccountWatch::unwatch(AccountId account, AccountWatcher& watcher) {
  const std::lock_guard lock(mutex_);
  const auto at = accounts_.find(account);
  if (at == accounts_.end()) return;
  count_ -= std::erase_if(at->second.watches, [&](const Watch& watch) { return watch.watcher == &watcher; });
  if (at->second.watches.empty()) accounts_.erase(at);
}

void AccountWatch::moved(store::Change change) {
  if (count_ == 0) return;
  std::vector<Reactor*> reactors;
  {
    const std::lock_guard lock(mutex_);
    const auto at = accounts_.find(change.account);
    if (at == accounts_.end() || change.modseq <= at->second.told) return;
    at->second.told = change.modseq;
    for (const Watch& watch : at->second.watches) {
      watch.watcher->moved_ = true;
      if (std::find(reactors.begin(), reactors.end(), watch.reactor) == reactors.end())
        reactors.push_back(watch.reactor);
    }
  }
  for (Reactor* reactor : reactors)
    reactor->post([self = shared_from_this(), account = change.account] { self->tell_here(account); });
}

void AccountWatch::tell_here(AccountId account) {
  std::vector<MailboxWatcher*> here;
  {
    const std::lock_guard lock(mutex_);
    const auto at = accounts_.find(account);
    if (at == accounts_.end()) return;
    for (const Watch& watch : at->second.watches)
      if (watch.reactor == &Reactor::current()) here.push_back(&watch.watcher->session_);
  }
  for (MailboxWatcher* session : here) session->mailbox_changed();
}

std::vector<store::Change> AccountWatch::watched() const {
  const std::lock_guard lock(mutex_);
  std::vector<store::Change> list;
  for (const auto& [account, entry] : accounts_) list.push_back({account, entry.told});
  return list;
}

AccountWatcher::~AccountWatcher() {
  for (const AccountId account : accounts_) watch_->unwatch(account, *this);
}

void AccountWatcher::add(AccountId account) {
  if (accounts_.insert(account).second) watch_->watch(account, *this);
}

}  // namespace dromos::imapd
