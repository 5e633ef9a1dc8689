// STATUS (RFC 9051 §6.3.11; SIZE: RFC 8438, HIGHESTMODSEQ: RFC 7162, MAILBOXID: RFC 8474, APPENDLIMIT: RFC
// 7889, DELETED-STORAGE: RFC 9208).
#include <algorithm>

#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"

namespace dromos::imapd {

Task<Result<uint64_t>> count_recent(Context& context, const NamedMailbox& named, uint16_t items) {
  const store::Mailbox& mailbox = named.mailbox;
  const uint64_t claimed = context.worker.options.mailboxes->recent_from(named.account, mailbox.id);
  const uint64_t from = std::max(mailbox.recent_from, claimed);
  if ((items & kStatusRecent) == 0 || context.enabled.rev2 || from >= mailbox.uidnext) co_return uint64_t{0};
  co_return co_await context.worker.mailboxes.count_from(named.account, mailbox.id, from,
                                                         context.store_deadline());
}

void write_status(Context& context, const store::Mailbox& mailbox, std::string_view name, uint16_t items,
                  uint64_t recent) {
  Writer& out = context.out;
  out.untagged().raw("STATUS ").mailbox(name).raw(" (");
  bool first = true;
  const auto item = [&](uint16_t bit, std::string_view word, uint64_t value) {
    if ((items & bit) == 0) return;
    if (!first) out.sp();
    first = false;
    out.raw(word).sp().number(value);
  };
  const auto count = [](int64_t value) { return static_cast<uint64_t>(value < 0 ? 0 : value); };
  item(kStatusMessages, "MESSAGES", count(mailbox.all.count));
  item(kStatusRecent, "RECENT", recent);
  item(kStatusUidNext, "UIDNEXT", mailbox.uidnext);
  item(kStatusUidValidity, "UIDVALIDITY", mailbox.uidvalidity);
  item(kStatusUnseen, "UNSEEN", count(mailbox.all.count - mailbox.all.seen));
  item(kStatusSize, "SIZE", count(mailbox.all.bytes));
  item(kStatusDeleted, "DELETED", count(mailbox.all.count - mailbox.live.count));
  item(kStatusHighestModseq, "HIGHESTMODSEQ", count(mailbox.highestmodseq));
  item(kStatusAppendLimit, "APPENDLIMIT", context.worker.config.limits.append_size.bytes);
  item(kStatusDeletedStorage, "DELETED-STORAGE", count(mailbox.all.bytes - mailbox.live.bytes));
  if ((items & kStatusMailboxId) != 0)
    out.raw(first ? "" : " ").raw("MAILBOXID (").raw(to_text(mailbox.id)).ch(')');
  out.ch(')').crlf();
}

Handled handle_status(Context& context, const Command& command) {
  const auto& status = command.as<StatusCommand>();
  CO_TRY(const NamedMailbox found, co_await find_mailbox(context, status.mailbox, true, store::kRead));
  if ((status.items & kStatusHighestModseq) != 0) context.enable_condstore();
  CO_TRY(const uint64_t recent, co_await count_recent(context, found, status.items));
  write_status(context, found.mailbox, found.name, status.items, recent);
  co_return ok("Status completed");
}

}  // namespace dromos::imapd
