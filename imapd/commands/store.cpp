// STORE and UID STORE (RFC 9051 §6.4.6; UNCHANGEDSINCE: RFC 7162 §3.1.3; MESSAGELIMIT: RFC 9738).
#include <algorithm>

#include "common/store/errc.h"
#include "imapd/commands/flag_rights.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/message_limit.h"
#include "imapd/commands/settle.h"
#include "imapd/commands/sync.h"

namespace dromos::imapd {
namespace {

store::FlagOp operation(StoreCommand::Change change) {
  switch (change) {
    case StoreCommand::Change::add:
      return store::FlagOp::add;
    case StoreCommand::Change::remove:
      return store::FlagOp::remove;
    default:
      return store::FlagOp::replace;
  }
}

/// Messages that had the flags already: STORE answers for them, too.
void write_unchanged(Context& context, const NumberSet& uids, const store::StoreResult& stored,
                     bool with_uid) {
  const MailboxVersion& version = *context.selected->seen;
  const NumberSet rest = uids.subtract(from_store(stored.changed)).subtract(from_store(stored.failed));
  version.numbers_of(rest).for_each(
      [&](uint32_t number) { write_flags(context, number, version.at(number), with_uid); });
}

void write_modified(Context& context, const store::StoreResult& stored) {
  const MailboxVersion& version = *context.selected->seen;
  version.numbers_of(from_store(stored.failed)).for_each([&](uint32_t number) {
    write_flags(context, number, version.at(number), true);
  });
}

constexpr bool may_all(store::Rights rights) {
  return store::flags_allowed(rights) == store::flags_allowed(store::kAllRights);
}

/// What the reader's rights leave of the flags (RFC 4314 §4): no error while something is left.
Result<store::FlagSet> allowed_flags(const Context& context, const StoreCommand& store) {
  store::FlagSet flags = stored_flags(store.flags);
  const store::Rights rights = context.selected->rights;
  if (may_all(rights)) return flags;
  const bool asked = flags.flags != 0 || !flags.keywords.empty();
  keep_allowed(flags, rights);
  const bool left = flags.flags != 0 || !flags.keywords.empty();
  const bool replaces = store.change == StoreCommand::Change::replace;
  const bool refused = replaces ? store::flags_allowed(rights) == 0 : asked && !left;
  if (refused) return fail(missing_right(rights | store::kLookup));
  return flags;
}

/// The outcome of a conditional STORE whose answer was lost is told by the mailbox: if nothing has changed in
/// it since before, the STORE has not happened and is tried again; else we cannot tell ours from others'
/// changes, and the client gets NO with the flags as they are.
Task<Result<store::StoreResult>> store_once(Context& context, const store::UidSet& uids, store::FlagOp op,
                                            store::FlagSet flags, std::optional<int64_t> unchanged) {
  SharedMailbox& mailbox = *context.selected->mailbox;
  while (true) {
    const int64_t before = mailbox.current()->modseq();
    auto stored = co_await store_flags(context, uids, op, flags, unchanged);
    if (stored || !stored.error().is(store::StoreErrc::unknown) || !unchanged) co_return stored;
    CO_TRY_VOID(co_await settle(context, {}, true));
    if (mailbox.current()->modseq() != before) co_return stored;
  }
}

}  // namespace

Handled handle_store(Context& context, const Command& command) {
  const auto& store = command.as<StoreCommand>();
  Selected& selected = *context.selected;
  if (selected.read_only) co_return no(code::kReadOnly, "The mailbox is open read-only");
  if (store.unchanged_since) context.enable_condstore();
  auto numbers = numbers_of(context, store.set, command.uid);
  if (!numbers) co_return bad(numbers.error().message());
  if (numbers->empty()) co_return ok("Nothing to store");
  MessageLimit limit(context);
  limit.cut(*numbers, *selected.seen);
  const store::UidSet uids = to_store(selected.seen->uids_of(*numbers));
  CO_TRY(const store::FlagSet flags, allowed_flags(context, store));
  std::optional<int64_t> unchanged;
  if (store.unchanged_since)
    unchanged = static_cast<int64_t>(std::min<uint64_t>(*store.unchanged_since, INT64_MAX));
  const store::FlagOp op = operation(store.change);
  CO_TRY(const auto stored, co_await store_once(context, uids, op, flags, unchanged));
  CO_TRY_VOID(co_await settle_flags(context, op, flags, stored));
  if (store.silent && stored.change) {
    selected.silent.modseq = stored.change.modseq;
    selected.silent.change = store.change;
    selected.silent.flags = static_cast<uint8_t>(flags.flags);
    selected.silent.keywords = !flags.keywords.empty() || store.change == StoreCommand::Change::replace;
  }
  sync(context, command.uid ? Expunges::tell : Expunges::hold);
  if (!store.silent) write_unchanged(context, from_store(uids), stored, command.uid);
  if (stored.failed.empty()) co_return limit.answer(ok("Store completed"));
  write_modified(context, stored);
  const NumberSet failed = from_store(stored.failed);
  const std::string list = command.uid ? failed.format() : selected.seen->numbers_of(failed).format();
  co_return limit.answer(ok("Conditional store: some messages had changed", "MODIFIED " + list));
}

}  // namespace dromos::imapd
