// GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208). An account has one root: "" for its owner, "#user/<login>"
// for others.
//
// Of others' roots a reader is told what his rights on their mailboxes allow (RFC 9208 §6): the number of
// mailboxes with "l", what messages take with "r"; without either there is no such root. Administrators of
// quotas (imapd.quota_admins) read and set every root.
#include <algorithm>

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "imapd/commands/handlers.h"
#include "imapd/commands/mailbox_names.h"

namespace dromos::imapd {
namespace {

constexpr std::string_view kOthersRoot = "#user/";
constexpr uint64_t kUnit = 1024;  // of STORAGE (RFC 9208 §5.1)

enum class Resources : uint8_t { none, mailboxes, all };

struct Root {
  std::string name;
  AccountId account;
  Resources told = Resources::all;
};

Resources told_with(store::Rights rights) {
  if ((rights & store::kRead) != 0) return Resources::all;
  return (rights & store::kLookup) != 0 ? Resources::mailboxes : Resources::none;
}

// A root without limits is told as no root: a QUOTA response names at least one resource (RFC 9208 §7).
bool limited(const store::Quota& quota, Resources told) {
  return quota.limit_mailboxes || (told == Resources::all && (quota.limit_bytes || quota.limit_messages));
}

void write_quota(Context& context, const Root& root, const store::Quota& quota) {
  Writer& out = context.out;
  out.untagged().raw("QUOTA ").string(root.name).raw(" (");
  bool first = true;
  const auto resource = [&](std::string_view name, int64_t used, std::optional<int64_t> limit) {
    if (!limit) return;
    if (!first) out.sp();
    first = false;
    out.raw(name).sp().number(static_cast<uint64_t>(used)).sp().number(static_cast<uint64_t>(*limit));
  };
  if (root.told == Resources::all) {
    std::optional<int64_t> units;
    if (quota.limit_bytes) units = *quota.limit_bytes / static_cast<int64_t>(kUnit);
    resource("STORAGE", (quota.used_bytes + static_cast<int64_t>(kUnit) - 1) / static_cast<int64_t>(kUnit),
             units);
    resource("MESSAGE", quota.used_messages, quota.limit_messages);
  }
  resource("MAILBOX", quota.mailboxes, quota.limit_mailboxes);
  out.ch(')').crlf();
}

Unexpected no_root() {
  return fail(store::StoreErrc::not_found, "no such quota root");
}

/// The root of somebody who shares mailboxes with the reader: what he may know by any of them.
Task<Result<Root>> root_seen(Context& context, const std::string& login) {
  CO_TRY(const auto shared,
         co_await context.worker.sharing.visible_to(context.account(), context.store_deadline()));
  Root root{"", AccountId(), Resources::none};
  for (const store::SharedMailboxInfo& info : shared) {
    if (!iequals(info.login, login)) continue;
    root.name = std::string(kOthersRoot) + info.login;
    root.account = info.account;
    root.told = std::max(root.told, told_with(info.rights));
  }
  if (root.told == Resources::none) co_return no_root();
  co_return root;
}

/// The root a client names. StoreErrc::not_found: there is none for this reader.
Task<Result<Root>> root_named(Context& context, const std::string& name) {
  if (name.empty()) co_return Root{name, context.account()};
  if (!name.starts_with(kOthersRoot)) co_return no_root();
  std::string login = name.substr(kOthersRoot.size());
  if (!may_set_quota(context)) co_return co_await root_seen(context, login);
  const auto owner = co_await context.worker.directory.account_by_login(login, context.store_deadline());
  if (!owner && owner.error().may_retry()) co_return fail(owner.error());
  if (!owner) co_return no_root();
  co_return Root{std::string(kOthersRoot) + owner->login, owner->id};
}

/// The root that counts what a mailbox holds, or would hold if it were made.
Task<Result<Root>> root_of(Context& context, const std::string& name) {
  CO_TRY(const Place place,
         co_await find_place(context.worker, context.account(), name, context.store_deadline()));
  if (place.account == context.account()) co_return Root{"", place.account};
  const bool seen = place.found && place.found->may(store::kLookup);
  Root root{"", place.account, told_with(seen ? place.found->rights : place.parent_rights)};
  if (root.told == Resources::none) co_return fail(store::StoreErrc::not_found, "no such mailbox");
  CO_TRY(const auto owner,
         co_await context.worker.directory.account(place.account, context.store_deadline()));
  root.name = std::string(kOthersRoot) + owner.login;
  co_return root;
}

struct NewLimits {
  std::optional<int64_t> bytes, messages, mailboxes;
};

/// RFC 9208 §4.1.3: what is not named has no limit. An error is for NO.
Result<NewLimits> limits_of(const SetQuotaCommand& set) {
  NewLimits limits;
  for (const auto& [resource, limit] : set.limits) {
    const bool storage = resource == "STORAGE";
    std::optional<int64_t>* which = storage                 ? &limits.bytes
                                    : resource == "MESSAGE" ? &limits.messages
                                    : resource == "MAILBOX" ? &limits.mailboxes
                                                            : nullptr;
    if (which == nullptr) return fail(store::StoreErrc::not_allowed, "the resource is not limited here");
    const uint64_t unit = storage ? kUnit : 1;
    if (limit > INT64_MAX / unit || (storage && limit == 0))
      return fail(store::StoreErrc::not_allowed, "no such limit can be set");
    *which = static_cast<int64_t>(limit * unit);
  }
  return limits;
}

}  // namespace

bool may_set_quota(const Context& context) {
  const auto& admins = context.worker.config.quota_admins;
  return std::any_of(admins.begin(), admins.end(),
                     [&](const std::string& admin) { return iequals(admin, context.who.login); });
}

Handled handle_get_quota(Context& context, const Command& command) {
  const auto root = co_await root_named(context, command.as<GetQuotaCommand>().root);
  if (!root && !root.error().is(store::StoreErrc::not_found)) co_return fail(root.error());
  if (!root) co_return no(code::kNonexistent, "There is no such quota root");
  CO_TRY(const auto quota, co_await context.worker.quotas.get(root->account, context.store_deadline()));
  if (!limited(quota, root->told)) co_return no(code::kNonexistent, "There is no such quota root");
  write_quota(context, *root, quota);
  co_return ok("Getquota completed");
}

/// The mailbox need not exist: the answer is what would count for it.
Handled handle_get_quota_root(Context& context, const Command& command) {
  CO_TRY(const std::string name, name_from_wire(context, command.as<MailboxCommand>().mailbox));
  CO_TRY(const Root root, co_await root_of(context, name));
  CO_TRY(const auto quota, co_await context.worker.quotas.get(root.account, context.store_deadline()));
  Writer& out = context.out;
  out.untagged().raw("QUOTAROOT ").mailbox(name);
  if (limited(quota, root.told)) out.sp().string(root.name);
  out.crlf();
  if (limited(quota, root.told)) write_quota(context, root, quota);
  co_return ok("Getquotaroot completed");
}

Handled handle_set_quota(Context& context, const Command& command) {
  const auto& set = command.as<SetQuotaCommand>();
  if (!may_set_quota(context)) co_return no(code::kNoPerm, "Quotas are not yours to set");
  const auto root = co_await root_named(context, set.root);
  if (!root && !root.error().is(store::StoreErrc::not_found)) co_return fail(root.error());
  if (!root) co_return no(code::kNonexistent, "There is no such quota root");
  CO_TRY(const NewLimits limits, limits_of(set));
  store::Quotas::By by{context.account(), context.stream.peer().ip(), context.trace};
  CO_TRY_VOID(co_await context.worker.quotas.replace(std::move(by), root->account, limits.bytes,
                                                     limits.messages, limits.mailboxes,
                                                     context.store_deadline()));
  CO_TRY(const auto quota, co_await context.worker.quotas.get(root->account, context.store_deadline()));
  if (limited(quota, root->told)) write_quota(context, *root, quota);
  co_return ok("Setquota completed");
}

}  // namespace dromos::imapd
