// GETQUOTA and GETQUOTAROOT (RFC 9208): one root, "", for the whole account.
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"

namespace dromos::imapd {
namespace {

// An account without limits has no quota root: a QUOTA response names at least one resource (RFC 9208 §7).
bool limited(const store::Quota& quota) {
  return quota.limit_bytes || quota.limit_messages || quota.limit_mailboxes;
}

void write_quota(Context& context, const store::Quota& quota) {
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
}

}  // namespace

Handled handle_get_quota(Context& context, const Command& command) {
  CO_TRY(const auto quota, co_await context.worker.quotas.get(context.account(), context.store_deadline()));
  if (!command.as<GetQuotaCommand>().root.empty() || !limited(quota))
    co_return no(code::kNonexistent, "There is no such quota root");
  write_quota(context, quota);
  co_return ok("Getquota completed");
}

/// The mailbox need not exist: the answer is what would count for it.
Handled handle_get_quota_root(Context& context, const Command& command) {
  CO_TRY(const std::string name, name_from_wire(context, command.as<MailboxCommand>().mailbox));
  CO_TRY(const auto quota, co_await context.worker.quotas.get(context.account(), context.store_deadline()));
  context.out.untagged().raw("QUOTAROOT ").mailbox(name).raw(limited(quota) ? " \"\"" : "").crlf();
  if (limited(quota)) write_quota(context, quota);
  co_return ok("Getquotaroot completed");
}

}  // namespace dromos::imapd
