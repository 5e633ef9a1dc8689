// What accounts share: rights of others on their mailboxes (RFC 4314), and whose \Seen they see there.
// Sessions are told at once, as of what their owners change.
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/base/strings.h"
#include "common/store/errc.h"
#include "common/store/hint_accounts.h"

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
  CO_TRY(const store::Change change, changed);
  // Whoever watches and could see nothing of this account until now hears of it, too.
  if (change)
    call.services.runtime.hints().publish(
        {{change.account, change.modseq}, {store::kSharingHint, change.modseq}});
  co_return Reply{to_json(wanted), {}};
}

json seen_rule(std::string mailbox, bool own) {
  return {{"mailbox", std::move(mailbox)}, {"seen", own ? "own" : "common"}};
}

Task<Result<Reply>> list_seen(Call& call) {
  CO_TRY(const AccountId account, co_await account_of(call));
  CO_TRY(auto found, co_await call.services.acl.own_seen(account, call.deadline));
  json items = json::array();
  for (std::string& path : found) items.push_back(seen_rule(std::move(path), true));
  co_return whole(std::move(items));
}

Task<Result<Reply>> set_seen(Call& call) {
  CO_TRY(const AccountId account, co_await account_of(call));
  const auto mailbox = call.get<std::string>("mailbox", "");
  const bool own = call.get<std::string>("seen", "") == "own";
  const auto changed = co_await call.services.acl.set_own_seen(account, mailbox, own, call.deadline);
  if (!changed && changed.error().is(store::StoreErrc::not_found))
    co_return fail(Errc::not_found, call.path("address") + " has no mailbox " + mailbox);
  CO_TRY(const store::Change change, changed);
  if (change) call.services.runtime.hints().publish({{change.account, change.modseq}});
  co_return Reply{seen_rule(mailbox, own), {}};
}

Field mailbox_path() {
  return text("mailbox", "path in the account: INBOX, Work/Plans").need().within(1, 1000);
}

std::vector<Field> seen_members() {
  return {mailbox_path(), text("seen",
                               "own: each guest has his own \\Seen, and none sees or changes the owner's; "
                               "common: it is everybody's")
                              .need()
                              .one_of({"own", "common"})};
}

std::vector<Field> members() {
  return {mailbox_path(),
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
               {{"Share", "Who may do what with a mailbox of somebody else.", members()},
                {"SharedSeen", "Whose \\Seen guests of a mailbox see.", seen_members()}},
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
  ops.push_back({.id = "listSharedSeen",
                 .path = "/accounts/{address}/sharing/seen",
                 .scope = "accounts:read",
                 .command = "share seen-list ADDRESS",
                 .summary = "List mailboxes in which each guest has his own \\Seen",
                 .response = "SharedSeen",
                 .list = true,
                 .problems = {404},
                 .run = list_seen});
  ops.push_back({.id = "setSharedSeen",
                 .method = http::Method::post,
                 .path = "/accounts/{address}/sharing/seen",
                 .scope = "accounts:write",
                 .command = "share seen ADDRESS MAILBOX SEEN",
                 .summary = "Give each guest of a mailbox his own \\Seen, or make it everybody's again",
                 .body = seen_members(),
                 .response = "SharedSeen",
                 .problems = {404},
                 .run = set_seen});
  return out;
}

}  // namespace dromos::admind
