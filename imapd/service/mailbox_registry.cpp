#include "imapd/service/mailbox_registry.h"

#include "common/log/log.h"
#include "common/store/errc.h"

namespace dromos::imapd {
namespace {
constexpr milliseconds kFollowTime{30000};
}

Task<Result<std::shared_ptr<SharedMailbox>>> MailboxRegistry::open(AccountId account, MailboxId id,
                                                                   Deadline deadline, int64_t known) {
  std::shared_ptr<SharedMailbox> mailbox = cache_->take(account, id);
  if (known > 0 && mailbox->loaded() && mailbox->current()->modseq() >= known) co_return mailbox;
  CO_TRY_VOID(co_await mailbox->refresh(mailboxes_, entries_, seens_, deadline));
  if (!cache_->charge(*mailbox))
    co_return fail(Errc::limit_exceeded, "too many messages in selected mailboxes", Retry::temporary);
  co_return mailbox;
}

Task<Result<void>> MailboxRegistry::refresh(SharedMailbox& mailbox, Deadline deadline) {
  const VersionPtr before = mailbox.current();
  auto fresh = co_await mailbox.refresh(mailboxes_, entries_, seens_, deadline);
  // A connection may have died while nobody used it; the next one is new.
  if (!fresh && fresh.error().may_retry() && !deadline.passed())
    fresh = co_await mailbox.refresh(mailboxes_, entries_, seens_, deadline);
  CO_TRY_VOID(fresh);
  if (mailbox.current() != before) cache_->charge(mailbox);
  co_return Result<void>{};
}

void MailboxRegistry::follow(std::vector<std::shared_ptr<SharedMailbox>> behind) {
  for (auto& mailbox : behind) group_.spawn(follow_one(std::move(mailbox)));
}

Task<void> MailboxRegistry::follow_one(std::shared_ptr<SharedMailbox> mailbox) {
  const auto fresh = co_await refresh(*mailbox, Deadline::after(kFollowTime));
  if (fresh || fresh.error().is(store::StoreErrc::not_found)) co_return;
  cache_->not_followed(*mailbox);
  static log::RateLimit limit(5, seconds(10));
  if (uint64_t skipped = 0; limit.allow(skipped))
    log::warn("mailbox.follow_failed",
              {{"account", mailbox->account()}, {"err", fresh.error()}, {"skipped", skipped}});
}

}  // namespace dromos::imapd
