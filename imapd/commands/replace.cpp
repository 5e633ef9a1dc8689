// REPLACE and UID REPLACE (RFC 8508): APPEND and EXPUNGE of one message in one transaction.
#include "common/base/fault.h"
#include "common/store/errc.h"
#include "imapd/commands/append.h"
#include "imapd/commands/flag_rights.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/commands/settle.h"

namespace dromos::imapd {
namespace {

/// Uid of the message to be replaced; 0: there is none.
Result<uint32_t> uid_of(const Context& context, const ReplaceCommand& replace, bool uid) {
  const MailboxVersion& version = *context.selected->seen;
  if (replace.number == ReplaceCommand::kLast) return version.size() == 0 ? 0 : version.max_uid();
  if (uid)
    return version.numbers_of(NumberSet{{replace.number, replace.number}}).empty() ? 0 : replace.number;
  if (replace.number > version.size())
    return fail(Errc::invalid_argument, "There is no message with such a number");
  return version.at(replace.number).uid;
}

}  // namespace

Handled handle_replace(Context& context, const Command& command) {
  const auto& replace = command.as<ReplaceCommand>();
  if (context.append && context.append->refusal) co_return std::move(*context.append->refusal);
  if (context.selected->read_only) co_return no(code::kReadOnly, "The mailbox is open read-only");
  // Those of STORE \\Deleted and of EXPUNGE (RFC 8508 §4.1).
  constexpr store::Rights kRemove = store::kDeleteMessages | store::kExpunge;
  if ((context.selected->rights & kRemove) != kRemove)
    co_return fail(missing_right(context.selected->rights | store::kLookup));
  const auto uid = uid_of(context, replace, command.uid);
  if (!uid) co_return bad(uid.error().message());
  if (*uid == 0) co_return no(code::kNonexistent, "There is no message to replace");
  const auto target = co_await find_mailbox(context, replace.mailbox, true, store::kInsert);
  if (!target) co_return append_failure(target.error());
  std::optional<Reply> refusal;
  CO_TRY(auto message, co_await read_append_message(context, replace.message, refusal));
  if (refusal) co_return std::move(*refusal);
  keep_allowed(message.flags, target->rights);
  const store::Replaced old{context.selected->mailbox->account(), context.selected->mailbox->id(), *uid};
  const auto stored = co_await store::replace(context.worker.deliverer, DeliveryId::make(), context.account(),
                                              old, target->account, target->mailbox.id, std::move(message),
                                              context.store_deadline());
  if (!stored && stored.error().is(store::StoreErrc::conflict)) {
    (void)co_await settle(context, {}, true);
    co_return no(code::kExpungeIssued, "The message to replace is gone");
  }
  if (!stored) co_return append_failure(stored.error());
  fault::hit("imapd.replace.after_commit");
  // Before EXPUNGE (RFC 8508 §4.3).
  context.out.untagged_status(Status::ok, append_uid(*stored), "Replacement stored");
  context.worker.changed(stored->change);
  if (context.selected->junk || target->mailbox.special_use == "junk") context.worker.options.junk_moved();
  CO_TRY_VOID(co_await settle(context, {}, true));
  co_return ok("Replace completed", highest_modseq_code(context));
}

}  // namespace dromos::imapd
