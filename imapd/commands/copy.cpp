// COPY, MOVE and their UID forms (RFC 9051 §6.4.7, §6.4.8): one transaction, COPYUID (RFC 4315 §3),
// MESSAGELIMIT (RFC 9738 §3.1).
#include "common/base/fault.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/commands/message_limit.h"

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

/// Between accounts, and where not all flags may come along, messages are made anew in the target.
Task<Result<store::AcrossResult>> transfer(Context& context, const store::UidSet& uids,
                                           const NamedMailbox& target, bool move) {
  const SharedMailbox& source = *context.selected->mailbox;
  const DeliveryId id = DeliveryId::make();
  const Deadline deadline = context.store_deadline();
  constexpr store::Rights kFlagRights = store::kKeepSeen | store::kWrite | store::kDeleteMessages;
  if (target.account != source.account() || !target.may(kFlagRights) || context.selected->own_seen() ||
      target.own_seen) {
    store::Sharing::Transfer across{source.account(),  source.id(), uids,          target.account,
                                    target.mailbox.id, move,        target.rights, context.account()};
    co_return co_await context.worker.sharing.transfer(id, std::move(across), deadline);
  }
  store::Entries& entries = context.worker.entries;
  CO_TRY(auto within,
         move ? co_await entries.move(id, source.account(), source.id(), uids, target.mailbox.id, deadline)
              : co_await entries.copy(id, source.account(), source.id(), uids, target.mailbox.id, deadline));
  co_return store::AcrossResult{std::move(within), {}};
}

}  // namespace

Handled handle_copy(Context& context, const Command& command) {
  const auto& copy = command.as<CopyCommand>();
  const bool move = command.verb == Verb::move;
  if (move && context.selected->read_only) co_return no(code::kReadOnly, "The mailbox is open read-only");
  constexpr store::Rights kMoving = store::kDeleteMessages | store::kExpunge;  // RFC 6851 §4.1
  if (move && (context.selected->rights & kMoving) != kMoving)
    co_return fail(missing_right(context.selected->rights | store::kLookup));
  auto numbers = numbers_of(context, copy.set, command.uid);
  if (!numbers) co_return bad(numbers.error().message());
  const auto target = co_await find_mailbox(context, copy.mailbox, true, store::kInsert);
  if (!target && target.error().is(store::StoreErrc::not_found))
    co_return no(code::kTryCreate, "There is no such mailbox");
  if (!target) co_return fail(target.error());
  if (numbers->empty()) co_return ok("Nothing to copy");
  MessageLimit limit(context);
  limit.cut(*numbers, *context.selected->seen);
  if (!move && limit.reached()) co_return limit.refusal("Too many messages to copy, none is copied", true);
  const store::UidSet uids = to_store(context.selected->seen->uids_of(*numbers));
  const auto moved = co_await transfer(context, uids, *target, move);
  if (!moved) co_return fail(moved.error());
  fault::hit("imapd.copy.after_commit");
  // The selected mailbox is as it was if messages went from it to another and stayed.
  if (move || !moved->change || target->mailbox.id == context.selected->mailbox->id())
    (void)co_await context.worker.registry.refresh(*context.selected->mailbox, context.store_deadline());
  context.worker.changed(moved->change);
  context.worker.changed(moved->source_change);
  if (move && (context.selected->junk || target->mailbox.special_use == "junk"))
    context.worker.options.junk_moved();
  if (!moved->change) co_return limit.answer(no(code::kExpungeIssued, "The messages are gone"));
  if (!move) co_return ok("Copy completed", copy_uid(*moved));
  context.out.untagged_status(Status::ok, copy_uid(*moved), "Moved");
  co_return limit.answer(ok("Move completed", highest_modseq_code(context)));
}

}  // namespace dromos::imapd
