// What accounts share: rights of others on their mailboxes (RFC 4314).
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/base/strings.h"
#include "common/store/errc.h"

namespace dromos::admind {

namespace {

json to_json(const store::PathRights& entry) {
  return {{"mailbox", entry.path},
          {"identifier", entry.identifier},
          {"rights", store::plain_letters_of(entry.rights)}};
}

Task<Result<AccountId>> account_of(Call& call) {
  CO_TRY(const auto account, co_await call.services.admin.get_account(call.path("address"), call.deadline));
  co_return account.id;
}

Task<Result<Reply>> list_sharing(Call& call) {
  CO_TRY(const AccountId account, co_await account_of(call));
  CO_TRY(const auto found, co_await call.services.acl.list(account, call.deadline));
  json items = json::array();
  for (const store::PathRights& entry : found) items.push_back(to_json(entry));
  co_return whole(std::move(items));
}

Task<Result<Reply>> set_sharing(Call& call) {
  CO_TRY(const AccountId account, co_await account_of(call));
  store::PathRights wanted;
  wanted.path = call.get<std::string>("mailbox", "");
  wanted.identifier = to_lower(call.get<std::string>("identifier", ""));
  const auto rights = store::rights_of(call.get<std::string>("rights", ""));
  if (!rights)
    co_return fail(Errc::invalid_argument, "rights: letters out of " + std::string(store::kRightLetters) +
                                               ", none to take them away");
  wanted.rights = *rights;
  const auto changed = co_await call.services.acl.set(account, wanted, call.deadline);
  if (!changed && changed.error().is(store::StoreErrc::not_found))
    co_return fail(Errc::not_found, call.path("address") + " has no mailbox " + wanted.path);
  if (!changed && changed.error().is(store::StoreErrc::not_allowed))
    co_return fail(Errc::invalid_argument, "identifier: " + changed.error().message());
  CO_TRY_VOID(changed);
  co_return Reply{to_json(wanted), {}};
}

std::vector<Field> members() {
  return {text("mailbox", "path in the account: INBOX, Work/Plans").need().within(1, 1000),
          text("identifier",
               "an address of an account, group: and a group's address, or anyone (of the same domain); "
               "with - before it: rights taken away")
              .need()
              .within(1, 330),
          text("rights",
               "letters of RFC 4314: l see, r read, s \\Seen, w flags, i insert, p post, k create, x "
               "delete mailbox, t \\Deleted, e expunge, a administer")
              .need()
              .within(0, 20)};
}

}  // namespace

Resource sharing() {
  Resource out{"sharing",
               "Rights of others on an account's mailboxes.",
               {{"Share", "Who may do what with a mailbox of somebody else.", members()}},
               {}};
  auto& ops = out.operations;
  ops.push_back({.id = "listSharing",
                 .path = "/accounts/{address}/sharing",
                 .scope = "accounts:read",
                 .command = "share list ADDRESS",
                 .summary = "List what an account shares, and with whom",
                 .response = "Share",
                 .list = true,
                 .problems = {404},
                 .run = list_sharing});
  ops.push_back({.id = "setSharing",
                 .method = http::Method::post,
                 .path = "/accounts/{address}/sharing",
                 .scope = "accounts:write",
                 .command = "share set ADDRESS MAILBOX IDENTIFIER RIGHTS",
                 .summary = "Give rights on a mailbox, or take them away with empty rights",
                 .body = members(),
                 .response = "Share",
                 .problems = {404},
                 .run = set_sharing});
  return out;
}

}  // namespace dromos::admind
