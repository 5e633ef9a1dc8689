// COPY, MOVE and their UID forms (RFC 9051 §6.4.7, §6.4.8): one transaction, COPYUID (RFC 4315 §3).
#include "common/base/fault.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"

namespace dromos::imapd {
namespace {

std::string copy_uid(const store::TransferResult& moved) {
  std::string code = "COPYUID " + std::to_string(moved.uidvalidity) + " ";
  append_ranges(code, from_store(moved.source));
  code += ' ';
  const auto count = static_cast<uint32_t>(moved.source.count());
  append_ranges(code, NumberSet{{moved.first_uid, moved.first_uid + count - 1}});
  return code;
}

}  // namespace

Handled handle_copy(Context& context, const Command& command) {
  const auto& copy = command.as<CopyCommand>();
  const bool move = command.verb == Verb::move;
  if (move && context.selected->read_only) co_return no(code::kReadOnly, "The mailbox is open read-only");
  const auto uids = uids_of(context, copy.set, command.uid);
  if (!uids) co_return bad(uids.error().message());
  const auto target = co_await find_mailbox(context, copy.mailbox, true);
  if (!target && target.error().is(store::StoreErrc::not_found))
    co_return no(code::kTryCreate, "There is no such mailbox");
  if (!target) co_return fail(target.error());
  if (uids->empty()) co_return ok("Nothing to copy");
  const MailboxId source = context.selected->mailbox->id();
  const DeliveryId id = DeliveryId::make();
  store::Entries& entries = context.worker.entries;
  const Deadline deadline = context.store_deadline();
  auto moved =
      move ? co_await entries.move(id, context.account(), source, *uids, target->mailbox.id, deadline)
           : co_await entries.copy(id, context.account(), source, *uids, target->mailbox.id, deadline);
  if (!moved) co_return fail(moved.error());
  fault::hit("imapd.copy.after_commit");
  context.worker.changed(moved->change);
  (void)co_await context.worker.registry.refresh(*context.selected->mailbox, context.store_deadline());
  if (!moved->change) co_return no(code::kExpungeIssued, "The messages are gone");
  if (!move) co_return ok("Copy completed", copy_uid(*moved));
  context.out.untagged_status(Status::ok, copy_uid(*moved), "Moved");
  co_return ok("Move completed", highest_modseq_code(context));
}

}  // namespace dromos::imapd
