// Accounts and their passwords.
#include "admind/commands/common.h"
#include "admind/commands/transfer.h"
#include "admind/service/services.h"
#include "common/directory/address_text.h"
#include "common/log/log.h"

namespace dromos::admind {

namespace {

json to_json(const directory::Account& account) {
  return {{"id", to_text(account.id)},
          {"address", account.login},
          {"display_name", account.display_name},
          {"enabled", account.enabled},
          {"shared", account.shared},
          {"quota_bytes", account.quota_bytes},
          {"password", account.password_scheme.empty() ? json(nullptr) : json(account.password_scheme)},
          {"scram", account.scram},
          {"app_passwords", account.app_passwords},
          {"created_at", to_rfc3339(account.created_us)}};
}

Task<Result<Reply>> show_login(Call& call, std::string login) {
  CO_TRY(auto account, co_await call.services.admin.get_account(std::move(login), call.deadline));
  co_return Reply{to_json(account), {}};
}

Task<Result<Reply>> list_accounts(Call& call) {
  const Page page = page_of(call);
  directory::AccountFilter filter;
  CO_TRY(filter.after, after_number(page));
  if (call.query.contains("domain")) {
    CO_TRY(filter.domain, directory::domain_to_ascii(call.word("domain")));
  }
  filter.match = call.word("match");
  filter.limit = page.limit + 1;
  CO_TRY(auto found, co_await call.services.admin.list_accounts(std::move(filter), call.deadline));
  co_return paged(
      std::move(found), page, [](const auto& a) { return to_json(a); },
      [](const auto& a) { return std::to_string(a.id.value); });
}

Task<Result<Reply>> create_account(Call& call) {
  directory::NewAccount fresh;
  fresh.login = call.get<std::string>("address", "");
  fresh.display_name = call.get<std::string>("display_name", "");
  fresh.quota_bytes = call.get<int64_t>("quota_bytes", 0);
  fresh.enabled = call.get("enabled", true);
  fresh.password = call.maybe<std::string>("password");
  call.object = fresh.login;
  CO_TRY_VOID(co_await call.services.admin.create_account(std::move(fresh), call.deadline));
  co_return co_await show_login(call, call.object);
}

Task<Result<Reply>> show_account(Call& call) {
  co_return co_await show_login(call, call.path("address"));
}

Task<Result<Reply>> update_account(Call& call) {
  directory::AccountChange change;
  change.display_name = call.maybe<std::string>("display_name");
  change.quota_bytes = call.maybe<int64_t>("quota_bytes");
  change.enabled = call.maybe<bool>("enabled");
  change.shared = call.maybe<bool>("shared");
  CO_TRY_VOID(
      co_await call.services.admin.update_account(call.path("address"), std::move(change), call.deadline));
  co_return co_await show_login(call, call.path("address"));
}

Task<Result<Reply>> rename_account(Call& call) {
  const auto name = call.get<std::string>("new_address", "");
  CO_TRY_VOID(co_await call.services.admin.rename_account(call.path("address"), name, call.deadline));
  co_return co_await show_login(call, name);
}

// The directory forgets the account at once; its mail goes slice by slice, and what a stopped daemon leaves
// is the job admind.purge_accounts'.
Task<void> purge(Services& services, AccountId account) {
  auto done = co_await services.collector.purge_account(account, Deadline::after(std::chrono::hours(1)));
  if (!done) log::warn("account.purge_unfinished", {{"account", account}, {"err", done.error()}});
}

Task<Result<Reply>> delete_account(Call& call) {
  CO_TRY(const AccountId gone,
         co_await call.services.admin.delete_account(call.path("address"), call.deadline));
  call.services.background.spawn(purge(call.services, gone));
  co_return Reply{};
}

Task<Result<Reply>> set_password(Call& call) {
  const bool has_text = call.body.contains("password"), has_hash = call.body.contains("password_hash");
  if (has_text == has_hash)
    co_return fail(Errc::invalid_argument,
                   "give either password or password_hash; null takes the password away");
  auto& admin = call.services.admin;
  const std::string login = call.path("address");
  if (has_text && !call.body["password"].is_null()) {
    CO_TRY_VOID(co_await admin.set_password(login, call.get<std::string>("password", ""), call.deadline));
  } else if (has_text || call.body["password_hash"].is_null()) {
    CO_TRY_VOID(co_await admin.set_password_hash(login, directory::StoredPassword{}, call.deadline));
  } else {
    CO_TRY(auto stored, directory::parse_password_hash(call.get<std::string>("password_hash", "")));
    CO_TRY_VOID(co_await admin.set_password_hash(login, std::move(stored), call.deadline));
  }
  co_return Reply{};
}

Field display_name() {
  return text("display_name", "the person's name").within(0, 200);
}
Field quota() {
  return integer("quota_bytes", "0: no limit");
}
Field enabled() {
  return boolean("enabled", "false: no login, no mail");
}
Field shared() {
  return boolean("shared",
                 "nobody's own: others see its mailboxes as Shared Folders, by the rights they have; nobody "
                 "logs in, whatever secrets it has");
}
Field password() {
  return text("password", "in the clear; at least 8 bytes").hidden().or_null().within(8, 1024);
}

Schema account_schema() {
  return {"Account",
          "Somebody with mailboxes who may log in.",
          {text("id", "A and base32").need(), text("address", "login and primary address").need(),
           display_name().need(), enabled().need(), shared().need(), quota().need(),
           text("password", "how the password is kept; null: none")
               .need()
               .or_null()
               .one_of({"argon2id", "crypt", "scram"}),
           boolean("scram", "SCRAM is possible").need(), integer("app_passwords", "how many").need(),
           time("created_at", "when it was made").need()}};
}

Resource make() {
  Resource out{"accounts", "Accounts, their passwords, import and export.", {account_schema()}, {}};
  const Field address = text("address", "local@domain").need().within(3, 320);
  auto& ops = out.operations;
  ops.push_back({.id = "listAccounts",
                 .path = "/accounts",
                 .scope = "accounts:read",
                 .command = "account list",
                 .summary = "List accounts",
                 .query = page_fields({text("domain", "only of this domain").within(1, 253),
                                       text("match", "a piece of address or name").within(1, 200)}),
                 .response = "Account",
                 .list = true,
                 .run = list_accounts});
  ops.push_back({.id = "createAccount",
                 .method = http::Method::post,
                 .path = "/accounts",
                 .scope = "accounts:write",
                 .command = "account create ADDRESS",
                 .summary = "Create an account",
                 .body = {address, password(), display_name(), quota(), enabled()},
                 .response = "Account",
                 .status = 201,
                 .problems = {404},
                 .run = create_account});
  ops.push_back({.id = "showAccount",
                 .path = "/accounts/{address}",
                 .scope = "accounts:read",
                 .command = "account show ADDRESS",
                 .summary = "Show an account",
                 .response = "Account",
                 .problems = {404},
                 .run = show_account});
  ops.push_back({.id = "updateAccount",
                 .method = http::Method::patch,
                 .path = "/accounts/{address}",
                 .scope = "accounts:write",
                 .command = "account update ADDRESS",
                 .summary = "Change an account",
                 .body = {display_name(), quota(), enabled(), shared()},
                 .response = "Account",
                 .problems = {404},
                 .run = update_account});
  ops.push_back({.id = "deleteAccount",
                 .method = http::Method::delete_,
                 .path = "/accounts/{address}",
                 .scope = "accounts:write",
                 .command = "account delete ADDRESS",
                 .summary = "Delete an account and all its mail",
                 .status = 204,
                 .problems = {404, 409},
                 .run = delete_account});
  ops.push_back({.id = "renameAccount",
                 .method = http::Method::post,
                 .path = "/accounts/{address}/rename",
                 .scope = "accounts:write",
                 .command = "account rename ADDRESS NEW_ADDRESS",
                 .summary = "Give an account another address",
                 .body = {text("new_address", "local@domain").need().within(3, 320)},
                 .response = "Account",
                 .problems = {404},
                 .run = rename_account});
  ops.push_back(
      {.id = "setPassword",
       .method = http::Method::post,
       .path = "/accounts/{address}/password",
       .scope = "accounts:write",
       .command = "account password ADDRESS",
       .summary = "Set an account's password, or take it away with null",
       .body = {password(),
                text("password_hash", "{ARGON2ID}, {SHA512-CRYPT}, {BLF-CRYPT}, {CRYPT} or {SCRAM-SHA-256}")
                    .hidden()
                    .or_null()
                    .within(1, 1024)},
       .status = 204,
       .problems = {404},
       .run = set_password});
  add_transfer(out);
  return out;
}

}  // namespace

Resource accounts() {
  return make();
}

}  // namespace dromos::admind
