// SELECT and EXAMINE (RFC 9051 §6.3.2; CONDSTORE and QRESYNC: RFC 7162; MAILBOXID: RFC 8474 §4.2).
#include "common/store/errc.h"
#include "imapd/commands/auth.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"
#include "imapd/commands/qresync.h"
#include "imapd/commands/sync.h"
#include "imapd/commands/url_auth.h"

namespace dromos::imapd {
namespace {

void announce(Context& context, const store::Mailbox& mailbox) {
  Writer& out = context.out;
  const Selected& selected = *context.selected;
  const MailboxVersion& version = *selected.seen;
  write_keywords(context, true);
  out.untagged_number(version.size(), "EXISTS");
  if (!context.enabled.rev2) {
    out.untagged_number(version.numbers_of(selected.recent).count(), "RECENT");
    if (const uint32_t unseen = context.enabled.uid_only ? 0 : version.first_unseen())
      out.untagged_status(Status::ok, "UNSEEN " + std::to_string(unseen), "First unseen");
  }
  out.untagged_status(Status::ok, "UIDVALIDITY " + std::to_string(selected.mailbox->uidvalidity()),
                      "UIDs valid");
  out.untagged_status(Status::ok, "UIDNEXT " + std::to_string(version.uidnext()), "Predicted next UID");
  out.untagged_status(Status::ok, "HIGHESTMODSEQ " + std::to_string(version.modseq()), "Highest");
  if (may_send_password(context)) out.untagged_status(Status::ok, kUrlMechanisms, "Mechanisms of URLAUTH");
  out.untagged_status(Status::ok, "MAILBOXID (" + to_text(mailbox.id) + ")", "Mailbox id");
  if (context.enabled.rev2) out.untagged().raw("LIST () \"/\" ").mailbox(selected.name).crlf();
}

/// What is recent to this session. EXAMINE takes it from nobody.
Task<NumberSet> recent_in(Context& context, const Selected& selected) {
  SharedMailbox& mailbox = *selected.mailbox;
  const uint64_t uidnext = selected.seen->uidnext();
  if (selected.read_only) {
    const uint64_t from = mailbox.recent_from();
    if (from >= uidnext) co_return NumberSet{};
    co_return NumberSet{{static_cast<uint32_t>(from), static_cast<uint32_t>(uidnext - 1)}};
  }
  NumberSet recent = mailbox.claim_recent(uidnext);
  if (!recent.empty())  // if this fails they are recent once more after a restart
    (void)co_await context.worker.mailboxes.set_recent(mailbox.account(), mailbox.id(), uidnext,
                                                       context.store_deadline());
  co_return recent;
}

}  // namespace

Handled handle_select(Context& context, const Command& command) {
  const auto& select = command.as<SelectCommand>();
  if (select.qresync && !context.enabled.qresync) co_return bad("QRESYNC has not been enabled");
  // RFC 9051 §6.3.2: the old mailbox is closed even if the new one cannot be opened.
  if (context.selected) {
    context.unselect();
    context.out.untagged_status(Status::ok, code::kClosed, "The previous mailbox is closed");
  }
  if (select.condstore) context.enable_condstore();
  CO_TRY(const NamedMailbox found, co_await find_mailbox(context, select.mailbox, true, store::kRead));
  CO_TRY(auto mailbox,
         co_await context.worker.registry.open(found.account, found.mailbox.id, context.store_deadline(),
                                               found.mailbox.highestmodseq));
  auto selected = std::make_unique<Selected>();
  selected->mailbox = std::move(mailbox);
  if (found.account != context.account()) {
    selected->view = selected->mailbox->view_of(context.account());
    CO_TRY_VOID(co_await context.worker.registry.refresh(*selected->mailbox, context.store_deadline()));
  }
  selected->seen = selected->current();
  selected->name = found.name;
  // RFC 4314 §5.2: read-only for who may change nothing in it.
  constexpr store::Rights kChanging =
      store::kKeepSeen | store::kWrite | store::kInsert | store::kDeleteMessages | store::kExpunge;
  selected->rights = found.rights;
  selected->junk = found.mailbox.special_use == "junk";
  selected->read_only = command.verb == Verb::examine || (found.rights & kChanging) == 0;
  if (!context.enabled.rev2) selected->recent = co_await recent_in(context, *selected);
  context.select(std::move(selected));
  announce(context, found.mailbox);
  if (select.qresync) {
    const auto resynced = co_await resynchronise(context, *select.qresync);
    if (!resynced) {
      context.unselect();
      co_return fail(resynced.error());
    }
  }
  // A \Seen of one's own is none of the "shared flag rights" of RFC 4314 §5.2.
  const store::Rights shared = context.selected->own_seen() ? kChanging & ~store::kKeepSeen : kChanging;
  const bool changes = !context.selected->read_only && (found.rights & shared) != 0;
  const std::string_view mode = changes ? code::kReadWrite : code::kReadOnly;
  co_return ok(command.verb == Verb::examine ? "Examine completed" : "Select completed", std::string(mode));
}

}  // namespace dromos::imapd
