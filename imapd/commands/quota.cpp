// GETQUOTA and GETQUOTAROOT (RFC 9208): one root, "", for the whole account.
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"

namespace dromos::imapd {
namespace {

Task<Result<void>> write_quota(Context& context) {
  CO_TRY(const auto quota, co_await context.worker.quotas.get(context.account(), context.store_deadline()));
  Writer& out = context.out;
  out.untagged().raw("QUOTA \"\" (");
  bool first = true;
  const auto resource = [&](std::string_view name, int64_t used, std::optional<int64_t> limit) {
    if (!limit) return;
    if (!first) out.sp();
    first = false;
    out.raw(name).sp().number(static_cast<uint64_t>(used)).sp().number(static_cast<uint64_t>(*limit));
  };
  // STORAGE counts in units of 1024 octets (RFC 9208 §5.1).
  std::optional<int64_t> kib;
  if (quota.limit_bytes) kib = *quota.limit_bytes / 1024;
  resource("STORAGE", (quota.used_bytes + 1023) / 1024, kib);
  resource("MESSAGE", quota.used_messages, quota.limit_messages);
  resource("MAILBOX", quota.mailboxes, quota.limit_mailboxes);
  out.ch(')').crlf();
  co_return Result<void>{};
}

}  // namespace

Handled handle_get_quota(Context& context, const Command& command) {
  if (!command.as<GetQuotaCommand>().root.empty())
    co_return no(code::kNonexistent, "There is no such quota root");
  CO_TRY_VOID(co_await write_quota(context));
  co_return ok("Getquota completed");
}

Handled handle_get_quota_root(Context& context, const Command& command) {
  CO_TRY(const NamedMailbox found,
         co_await find_mailbox(context, command.as<MailboxCommand>().mailbox, false));
  context.out.untagged().raw("QUOTAROOT ").mailbox(found.name).raw(" \"\"").crlf();
  CO_TRY_VOID(co_await write_quota(context));
  co_return ok("Getquotaroot completed");
}

}  // namespace dromos::imapd
