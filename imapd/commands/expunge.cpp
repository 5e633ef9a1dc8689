// EXPUNGE and UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9), CLOSE (§6.4.1).
#include "common/base/fault.h"
#include "imapd/commands/handlers.h"

namespace dromos::imapd {
namespace {

Task<Result<void>> expunge(Context& context, store::UidSet uids) {
  CO_TRY(const auto gone,
         co_await context.worker.entries.expunge(context.account(), context.selected->mailbox->id(), uids,
                                                 true, context.store_deadline()));
  fault::hit("imapd.expunge.after_commit");
  context.worker.changed(gone.change);
  co_return co_await context.worker.registry.refresh(*context.selected->mailbox, context.store_deadline());
}

}  // namespace

Handled handle_expunge(Context& context, const Command& command) {
  if (context.selected->read_only) co_return no(code::kReadOnly, "The mailbox is open read-only");
  store::UidSet uids = store::UidSet::all();
  if (command.uid) {
    const auto some = uids_of(context, command.as<ExpungeCommand>().set, true);
    if (!some) co_return bad(some.error().message());
    uids = *some;
  }
  if (!uids.empty()) CO_TRY_VOID(co_await expunge(context, std::move(uids)));
  co_return ok("Expunge completed");
}

Handled handle_close(Context& context, const Command& command) {
  if (!context.selected->read_only) CO_TRY_VOID(co_await expunge(context, store::UidSet::all()));
  context.unselect();
  co_return ok("Close completed");
}

Handled handle_unselect(Context& context, const Command& command) {
  context.unselect();
  co_return ok("Unselect completed");
}

}  // namespace dromos::imapd
