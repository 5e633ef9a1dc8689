#include "imapd/service/mailbox_registry.h"

#include <algorithm>

#include "common/log/log.h"
#include "common/store/errc.h"

namespace dromos::imapd {
namespace {
constexpr milliseconds kFollowTime{30000};
}

Task<Result<std::shared_ptr<SharedMailbox>>> MailboxRegistry::open(AccountId account, MailboxId id,
                                                                   Deadline deadline) {
  std::shared_ptr<SharedMailbox> mailbox;
  auto& known = accounts_[account].mailboxes;
  if (const auto at = known.find(id); at != known.end() && !(*at->second)->gone()) {
    mailbox = *at->second;
    lru_.splice(lru_.begin(), lru_, at->second);
  } else {
    if (at != known.end()) forget(**at->second);
    mailbox = std::make_shared<SharedMailbox>(account, id);
    lru_.push_front(mailbox);
    accounts_[account].mailboxes[id] = lru_.begin();
  }
  const auto fresh = co_await mailbox->refresh(mailboxes_, entries_, deadline);
  if (!fresh) {
    if (!mailbox->loaded() || mailbox->gone()) forget(*mailbox);
    co_return fail(fresh.error());
  }
  evict();
  if (memory_ > budget_) {
    if (!mailbox->watched()) forget(*mailbox);
    co_return fail(Errc::limit_exceeded, "too many messages in selected mailboxes", Retry::temporary);
  }
  co_return mailbox;
}

void MailboxRegistry::forget(const SharedMailbox& mailbox) {
  const auto account = accounts_.find(mailbox.account());
  if (account == accounts_.end()) return;
  const auto at = account->second.mailboxes.find(mailbox.id());
  if (at == account->second.mailboxes.end() || at->second->get() != &mailbox) return;
  const auto place = at->second;
  account->second.mailboxes.erase(at);
  if (account->second.mailboxes.empty()) accounts_.erase(account);
  lru_.erase(place);  // last: it may own `mailbox`
}

void MailboxRegistry::evict() {
  memory_ = 0;
  for (const auto& mailbox : lru_) memory_ += mailbox->memory();
  // What nobody looks at may use half of the budget.
  for (auto at = lru_.end(); memory_ > budget_ / 2 && at != lru_.begin();) {
    --at;
    const std::shared_ptr<SharedMailbox> mailbox = *at;
    if (mailbox->watched() || mailbox.use_count() > 2) continue;
    memory_ -= mailbox->memory();
    const auto next = std::next(at);
    forget(*mailbox);
    at = next;
  }
}

void MailboxRegistry::account_moved(store::Change change) {
  const auto account = accounts_.find(change.account);
  if (account == accounts_.end() || account->second.followed >= change.modseq) return;
  account->second.followed = change.modseq;
  for (const auto& [id, place] : account->second.mailboxes)
    if ((*place)->watched() && (*place)->current()->modseq() < change.modseq) group_.spawn(follow(*place));
}

Task<void> MailboxRegistry::follow(std::shared_ptr<SharedMailbox> mailbox) {
  const auto fresh = co_await mailbox->refresh(mailboxes_, entries_, Deadline::after(kFollowTime));
  if (fresh || fresh.error().is(store::StoreErrc::not_found)) co_return;
  // Not followed after all: the next hint or poll tries again.
  if (const auto account = accounts_.find(mailbox->account()); account != accounts_.end())
    account->second.followed = std::min(account->second.followed, mailbox->current()->modseq());
  static log::RateLimit limit(5, seconds(10));
  if (uint64_t skipped = 0; limit.allow(skipped))
    log::warn("mailbox.follow_failed",
              {{"account", mailbox->account()}, {"err", fresh.error()}, {"skipped", skipped}});
}

std::vector<store::Change> MailboxRegistry::watched() const {
  std::vector<store::Change> list;
  for (const auto& [id, account] : accounts_) {
    bool any = false;
    int64_t lowest = INT64_MAX;
    for (const auto& [mailbox, place] : account.mailboxes) {
      if (!(*place)->watched()) continue;
      any = true;
      lowest = std::min(lowest, (*place)->current()->modseq());
    }
    if (any) list.push_back({id, account.followed > 0 ? account.followed : lowest});
  }
  return list;
}

}  // namespace dromos::imapd
