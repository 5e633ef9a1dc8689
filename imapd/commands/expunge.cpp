// EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9), CLOSE (§6.4.1). MESSAGELIMIT is for UID EXPUNGE alone
// (RFC 9738 §3.1).
#include "common/base/fault.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/message_limit.h"
#include "imapd/commands/settle.h"

namespace dromos::imapd {
namespace {

/// True if messages went.
Task<Result<bool>> expunge(Context& context, store::UidSet uids) {
  CO_TRY(const auto gone, co_await context.worker.entries.expunge(context.selected->mailbox->account(),
                                                                  context.selected->mailbox->id(), uids, true,
                                                                  context.store_deadline()));
  fault::hit("imapd.expunge.after_commit");
  CO_TRY_VOID(co_await settle_expunge(context, gone));
  co_return gone.repeated || !gone.uids.empty();
}

/// Of those the ones marked \Deleted, as they are now.
NumberSet deleted_of(const MailboxVersion& version, const NumberSet& numbers) {
  NumberSet deleted;
  numbers.for_each([&](uint32_t number) {
    if ((version.at(number).flags & kFlagDeleted) != 0) deleted.add(number);
  });
  return deleted;
}

/// What UID EXPUNGE is about: everything named, or the last of the \Deleted ones, if those are too many.
Result<store::UidSet> uids_to_expunge(const Context& context, const SequenceSet& set, MessageLimit& limit) {
  TRY(const NumberSet named, numbers_of(context, set, true));
  const NumberSet uids = context.selected->seen->uids_of(named);
  if (!limit.over(named.count())) return to_store(uids);
  const VersionPtr now = context.selected->current();
  NumberSet deleted = deleted_of(*now, now->numbers_of(uids));
  limit.cut(deleted, *now);
  return to_store(limit.reached() ? now->uids_of(deleted) : uids);
}

}  // namespace

Handled handle_expunge(Context& context, const Command& command) {
  if (context.selected->read_only) co_return no(code::kReadOnly, "The mailbox is open read-only");
  if ((context.selected->rights & store::kExpunge) == 0)
    co_return fail(missing_right(context.selected->rights | store::kLookup));
  store::UidSet uids = store::UidSet::all();
  MessageLimit limit(context);
  if (command.uid) {
    const auto some = uids_to_expunge(context, command.as<ExpungeCommand>().set, limit);
    if (!some) co_return bad(some.error().message());
    uids = *some;
  }
  if (uids.empty()) co_return ok("Nothing to expunge");
  CO_TRY(const bool gone, co_await expunge(context, std::move(uids)));
  co_return limit.answer(ok("Expunge completed", gone ? highest_modseq_code(context) : ""));
}

Handled handle_close(Context& context, const Command& command) {
  const bool may = (context.selected->rights & store::kExpunge) != 0;  // without it: no error (RFC 4314 §4)
  if (may && !context.selected->read_only) CO_TRY_VOID(co_await expunge(context, store::UidSet::all()));
  context.unselect();
  co_return ok("Close completed");
}

Handled handle_unselect(Context& context, const Command& command) {
  context.unselect();
  co_return ok("Unselect completed");
}

}  // namespace dromos::imapd
