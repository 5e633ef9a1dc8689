#include "common/store/append.h"

#include "common/base/strings.h"
#include "common/store/errc.h"

namespace dromos::store {

namespace {

/// By `mailbox`, or if there is one by `path`.
Delivery delivery_of(DeliveryId id, AccountId account, MailboxId mailbox, std::vector<AppendMessage> messages,
                     const std::vector<std::string>& path = {}) {
  Delivery delivery;
  delivery.id = id;
  delivery.strict_mailbox = true;
  for (AppendMessage& message : messages) {
    LocalTarget target;
    target.message = delivery.messages.size();
    target.account = account;
    target.mailbox = mailbox;
    target.role.clear();
    target.path = path;
    target.id = MessageId::make();
    target.flags = std::move(message.flags);
    delivery.targets.push_back(std::move(target));
    delivery.messages.push_back(std::move(message.message));
  }
  return delivery;
}

Result<AppendResult> appended_of(AccountId account, const DeliveryResult& result) {
  AppendResult appended;
  for (const TargetResult& target : result.targets) {
    switch (target.outcome) {
      case Outcome::stored:
        appended.change = {account, target.modseq};
        appended.mailbox = target.mailbox;
        appended.uidvalidity = target.uidvalidity;
        appended.uids.push_back(target.uid);
        appended.ids.push_back(target.id);
        break;
      case Outcome::over_quota:
        return fail(StoreErrc::over_quota, "over quota");
      case Outcome::no_account:
      case Outcome::no_mailbox:
        return fail(StoreErrc::not_found, "no such mailbox");
      case Outcome::blob_gone:
        return fail(StoreErrc::blob_gone, "staged bytes are gone", Retry::temporary);
      case Outcome::busy:
      case Outcome::skipped:
        break;  // the target that failed says why
    }
  }
  if (appended.uids.size() != result.targets.size())
    return fail(StoreErrc::busy, "not stored", Retry::temporary);
  return appended;
}

}  // namespace

Task<Result<AppendResult>> append(Deliverer& deliverer, DeliveryId id, AccountId account, MailboxId mailbox,
                                  std::vector<AppendMessage> messages, Deadline deadline) {
  CO_TRY(const DeliveryResult result,
         co_await deliverer.deliver(delivery_of(id, account, mailbox, std::move(messages)), deadline));
  co_return appended_of(account, result);
}

Task<Result<AppendResult>> append_at(Deliverer& deliverer, DeliveryId id, AccountId account,
                                     std::vector<std::string> path, std::vector<AppendMessage> messages,
                                     Deadline deadline) {
  if (path.empty()) co_return fail(StoreErrc::not_found, "no such mailbox");
  if (iequals(path.front(), "INBOX")) path.front() = "INBOX";
  CO_TRY(
      const DeliveryResult result,
      co_await deliverer.deliver(delivery_of(id, account, MailboxId{}, std::move(messages), path), deadline));
  co_return appended_of(account, result);
}

Task<Result<AppendResult>> append_as(Deliverer& deliverer, DeliveryId id, AccountId reader, AccountId account,
                                     MailboxId mailbox, std::vector<AppendMessage> messages,
                                     Deadline deadline) {
  CO_TRY(const DeliveryResult result,
         co_await deliverer.append_as(reader, std::nullopt,
                                      delivery_of(id, account, mailbox, std::move(messages)), deadline));
  co_return appended_of(account, result);
}

Task<Result<AppendResult>> replace(Deliverer& deliverer, DeliveryId id, AccountId reader, Replaced source,
                                   AccountId account, MailboxId mailbox, AppendMessage message,
                                   Deadline deadline) {
  std::vector<AppendMessage> one;
  one.push_back(std::move(message));
  CO_TRY(const DeliveryResult result,
         co_await deliverer.append_as(reader, source, delivery_of(id, account, mailbox, std::move(one)),
                                      deadline));
  co_return appended_of(account, result);
}

}  // namespace dromos::store
