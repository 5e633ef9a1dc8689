#include "common/store/append.h"

#include "common/store/errc.h"

namespace dromos::store {

Task<Result<AppendResult>> append(Deliverer& deliverer, DeliveryId id, AccountId account, MailboxId mailbox,
                                  std::vector<AppendMessage> messages, Deadline deadline) {
  Delivery delivery;
  delivery.id = id;
  delivery.strict_mailbox = true;
  for (AppendMessage& message : messages) {
    LocalTarget target;
    target.message = delivery.messages.size();
    target.account = account;
    target.mailbox = mailbox;
    target.role.clear();
    target.id = MessageId::make();
    target.flags = std::move(message.flags);
    delivery.targets.push_back(std::move(target));
    delivery.messages.push_back(std::move(message.message));
  }
  CO_TRY(const DeliveryResult result, co_await deliverer.deliver(std::move(delivery), deadline));
  AppendResult appended;
  for (const TargetResult& target : result.targets) {
    switch (target.outcome) {
      case Outcome::stored:
        appended.change = {account, target.modseq};
        appended.uidvalidity = target.uidvalidity;
        appended.uids.push_back(target.uid);
        appended.ids.push_back(target.id);
        break;
      case Outcome::over_quota:
        co_return fail(StoreErrc::over_quota, "over quota");
      case Outcome::no_account:
      case Outcome::no_mailbox:
        co_return fail(StoreErrc::not_found, "no such mailbox");
      case Outcome::blob_gone:
        co_return fail(StoreErrc::blob_gone, "staged bytes are gone", Retry::temporary);
      case Outcome::busy:
      case Outcome::skipped:
        break;  // the target that failed says why
    }
  }
  if (appended.uids.size() != result.targets.size())
    co_return fail(StoreErrc::busy, "not stored", Retry::temporary);
  co_return appended;
}

}  // namespace dromos::store
