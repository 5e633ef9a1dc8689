#include "imapd/service/mailbox_cache.h"

#include <algorithm>
#include <utility>

#include "common/metrics/metrics.h"

namespace dromos::imapd {

MailboxCache::Entry* MailboxCache::find(AccountId account, MailboxId id) {
  const auto at = accounts_.find(account);
  if (at == accounts_.end()) return nullptr;
  const auto entry = at->second.mailboxes.find(id);
  return entry == at->second.mailboxes.end() ? nullptr : &entry->second;
}

std::shared_ptr<SharedMailbox> MailboxCache::take(AccountId account, MailboxId id) {
  std::shared_ptr<SharedMailbox> dropped;  // dies after the lock
  const std::lock_guard lock(mutex_);
  Entry* entry = find(account, id);
  if (entry != nullptr && entry->mailbox->gone()) {
    dropped = drop(*entry->mailbox);
    entry = nullptr;
  }
  if (entry == nullptr) {
    entry = &accounts_[account].mailboxes[id];
    entry->mailbox = std::make_shared<SharedMailbox>(account, id);
    entry->idle = idle_.end();
    ++size_;
    publish_metrics();
  }
  return pin(*entry);
}

std::shared_ptr<SharedMailbox> MailboxCache::held(AccountId account, MailboxId id) {
  const std::lock_guard lock(mutex_);
  Entry* entry = find(account, id);
  return entry != nullptr && entry->mailbox->loaded() && !entry->mailbox->gone() ? pin(*entry) : nullptr;
}

// The pointer given out owns a pin, and the pin the mailbox and the cache.
std::shared_ptr<SharedMailbox> MailboxCache::pin(Entry& entry) {
  if (entry.pins++ == 0 && entry.idle != idle_.end()) idle_.erase(std::exchange(entry.idle, idle_.end()));
  return {entry.mailbox.get(),
          [cache = shared_from_this(), mailbox = entry.mailbox](SharedMailbox*) { cache->unpin(mailbox); }};
}

void MailboxCache::unpin(const std::shared_ptr<SharedMailbox>& mailbox) {
  std::vector<std::shared_ptr<SharedMailbox>> dropped;
  const std::lock_guard lock(mutex_);
  Entry* entry = find(mailbox->account(), mailbox->id());
  if (entry == nullptr || entry->mailbox != mailbox || --entry->pins > 0) return;
  idle_.push_front(mailbox.get());
  entry->idle = idle_.begin();
  if (entry->charged != 0) {  // what its guests saw is gone with them
    const size_t left = mailbox->memory();
    memory_ = memory_ - entry->charged + left;
    entry->charged = left;
  }
  if (!mailbox->loaded() || mailbox->gone()) dropped.push_back(drop(*mailbox));
  evict(dropped);
}

uint64_t MailboxCache::recent_from(AccountId account, MailboxId id) {
  const std::lock_guard lock(mutex_);
  const Entry* entry = find(account, id);
  return entry != nullptr && entry->mailbox->loaded() ? entry->mailbox->recent_from() : 0;
}

bool MailboxCache::charge(SharedMailbox& mailbox) {
  const size_t now = mailbox.memory();
  std::vector<std::shared_ptr<SharedMailbox>> dropped;
  const std::lock_guard lock(mutex_);
  Entry* entry = find(mailbox.account(), mailbox.id());
  if (entry == nullptr || entry->mailbox.get() != &mailbox) return true;  // replaced: it dies with its users
  memory_ = memory_ - entry->charged + now;
  entry->charged = now;
  evict(dropped);
  return memory_ <= budget_;
}

// What nobody has selected may use half of the budget.
void MailboxCache::evict(std::vector<std::shared_ptr<SharedMailbox>>& dropped) {
  while (memory_ > budget_ / 2 && !idle_.empty()) dropped.push_back(drop(*idle_.back()));
  publish_metrics();
}

std::shared_ptr<SharedMailbox> MailboxCache::drop(const SharedMailbox& mailbox) {
  const auto account = accounts_.find(mailbox.account());
  const auto at = account->second.mailboxes.find(mailbox.id());
  Entry& entry = at->second;
  std::shared_ptr<SharedMailbox> dropped = std::move(entry.mailbox);
  memory_ -= entry.charged;
  --size_;
  if (entry.pins == 0) idle_.erase(entry.idle);
  account->second.mailboxes.erase(at);
  if (account->second.mailboxes.empty()) accounts_.erase(account);
  return dropped;
}

std::vector<std::shared_ptr<SharedMailbox>> MailboxCache::to_follow(store::Change change) {
  std::vector<std::shared_ptr<SharedMailbox>> list;
  const std::lock_guard lock(mutex_);
  const auto account = accounts_.find(change.account);
  if (account == accounts_.end() || account->second.followed >= change.modseq) return list;
  account->second.followed = change.modseq;
  for (auto& [id, entry] : account->second.mailboxes)
    if (entry.pins > 0 && entry.mailbox->watched() && entry.mailbox->current()->modseq() < change.modseq)
      list.push_back(pin(entry));
  return list;
}

void MailboxCache::not_followed(const SharedMailbox& mailbox) {
  const int64_t known = mailbox.current()->modseq();
  const std::lock_guard lock(mutex_);
  if (const auto account = accounts_.find(mailbox.account()); account != accounts_.end())
    account->second.followed = std::min(account->second.followed, known);
}

std::vector<store::Change> MailboxCache::watched() const {
  std::vector<store::Change> list;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, account] : accounts_) {
    bool any = false;
    int64_t lowest = INT64_MAX;
    for (const auto& [mailbox, entry] : account.mailboxes) {
      if (entry.pins == 0 || !entry.mailbox->watched()) continue;
      any = true;
      lowest = std::min(lowest, entry.mailbox->current()->modseq());
    }
    if (any) list.push_back({id, account.followed > 0 ? account.followed : lowest});
  }
  return list;
}

size_t MailboxCache::memory() const {
  const std::lock_guard lock(mutex_);
  return memory_;
}

size_t MailboxCache::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

void MailboxCache::publish_metrics() const {
  static metrics::Gauge& count =
      metrics::gauge("dromos_imapd_cached_mailboxes", "Mailboxes held in memory, selected or not.");
  static metrics::Gauge& bytes = metrics::gauge("dromos_imapd_cached_mailboxes_bytes", "Their memory.");
  count.set(static_cast<int64_t>(size_));
  bytes.set(static_cast<int64_t>(memory_));
}

}  // namespace dromos::imapd
