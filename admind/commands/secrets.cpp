// App passwords and API keys of accounts and administrators. A text is shown once, when it is made.
#include "admind/commands/secrets.h"

#include <algorithm>

#include "admind/service/services.h"
#include "common/base/strings.h"

namespace dromos::admind {

directory::SecretSpec secret_spec(const Call& call) {
  directory::SecretSpec spec;
  spec.label = call.get<std::string>("label", "");
  spec.scopes = call.get<std::vector<std::string>>("scopes", {});
  spec.expires_us = call.maybe<int64_t>("expires_at");
  return spec;
}

json secret_json(const directory::SecretInfo& info) {
  return {{"id", std::to_string(info.id)},
          {"label", info.label},
          {"scopes", info.scopes},
          {"expires_at", time_or_null(info.expires_us)},
          {"created_at", to_rfc3339(info.created_us)},
          {"last_used_at", time_or_null(info.last_used_us)}};
}

Reply new_secret(const directory::NewSecret& made, const directory::SecretSpec& spec) {
  return Reply{{{"id", std::to_string(made.id)},
                {"label", spec.label},
                {"scopes", spec.scopes},
                {"expires_at", time_or_null(spec.expires_us)},
                {"secret", made.text}},
               {}};
}

Result<int64_t> secret_id(const Call& call) {
  const auto id = parse_number<int64_t>(call.path("id"));
  if (!id) return fail(Errc::not_found, "no such id: " + call.path("id"));
  return *id;
}

std::vector<std::string> account_scopes() {
  return {"imap", "smtp", "pop3", "jmap"};
}

std::vector<Field> secret_fields(std::vector<std::string> scopes) {
  Field what = texts("scopes", "what it opens").need().within(1, 32);
  what.allowed = std::move(scopes);
  return {text("label", "where it is used, for whoever sees it in the list").need().within(1, 200),
          std::move(what), time("expires_at", "when it ends; null: never").or_null()};
}

std::vector<Schema> secret_schemas() {
  const std::vector<Field> shared = {text("id", "for deleting it").need(),
                                     text("label", "where it is used").need(),
                                     texts("scopes", "what it opens").need(),
                                     time("expires_at", "when it ends; null: never").need().or_null()};
  auto listed = shared, fresh = shared;
  listed.push_back(time("created_at", "when it was made").need());
  listed.push_back(time("last_used_at", "to the hour").need().or_null());
  fresh.push_back(
      text("secret", "the text; shown this once, and absent when an Idempotency-Key repeats the answer"));
  return {{"Secret", "An app password or API key.", std::move(listed)},
          {"NewSecret", "A new app password or API key.", std::move(fresh)}};
}

namespace {

using directory::KeyOwner;

Task<Result<Reply>> list_app_passwords(Call& call) {
  CO_TRY(const auto found,
         co_await call.services.admin.list_app_passwords(call.path("address"), call.deadline));
  json items = json::array();
  for (const auto& info : found) items.push_back(secret_json(info));
  co_return whole(std::move(items));
}

Task<Result<Reply>> create_app_password(Call& call) {
  const auto spec = secret_spec(call);
  CO_TRY(const auto made,
         co_await call.services.admin.create_app_password(call.path("address"), spec, call.deadline));
  co_return new_secret(made, spec);
}

Task<Result<Reply>> delete_app_password(Call& call) {
  CO_TRY(const int64_t id, secret_id(call));
  CO_TRY_VOID(co_await call.services.admin.delete_app_password(call.path("address"), id, call.deadline));
  co_return Reply{};
}

KeyOwner owner_of(const Call& call) {
  const std::string account = call.path("address");
  if (!account.empty()) return {true, account};
  return {false, call.path("name")};
}

// Keys of administrators are the administrator's own or an owner's business.
Result<void> check_owner(const Call& call, const KeyOwner& owner) {
  if (owner.is_account || call.actor.role == "owner" || owner.name == call.actor.name) return {};
  return fail(Errc::permission_denied, "only owners manage the keys of other administrators");
}

Task<Result<Reply>> list_api_keys(Call& call) {
  const KeyOwner owner = owner_of(call);
  CO_TRY(const auto found, co_await call.services.admin.list_api_keys(owner, call.deadline));
  json items = json::array();
  for (const auto& info : found) items.push_back(secret_json(info));
  co_return whole(std::move(items));
}

Task<Result<Reply>> create_api_key(Call& call) {
  const KeyOwner owner = owner_of(call);
  CO_TRY_VOID(check_owner(call, owner));
  const auto spec = secret_spec(call);
  if (!owner.is_account)
    for (const auto& scope : spec.scopes)
      if (!call.actor.may_grant(scope))
        co_return fail(Errc::permission_denied, "a key cannot open more than yours does: " + scope);
  CO_TRY(const auto made, co_await call.services.admin.create_api_key(owner, spec, call.deadline));
  co_return new_secret(made, spec);
}

Task<Result<Reply>> delete_api_key(Call& call) {
  const KeyOwner owner = owner_of(call);
  CO_TRY_VOID(check_owner(call, owner));
  CO_TRY(const int64_t id, secret_id(call));
  CO_TRY(const auto found, co_await call.services.admin.list_api_keys(owner, call.deadline));
  if (std::none_of(found.begin(), found.end(), [&](const auto& info) { return info.id == id; }))
    co_return fail(Errc::not_found, owner.name + " has no such key");
  CO_TRY_VOID(co_await call.services.admin.delete_api_key(id, call.deadline));
  co_return Reply{};
}

void add_keys(std::vector<Operation>& ops, const std::string& base, const std::string& title,
              const std::string& verb, const std::string& word, std::vector<std::string> scopes) {
  ops.push_back({.id = "list" + title + "Keys",
                 .path = base,
                 .scope = "api-keys:read",
                 .command = verb + " list " + word,
                 .summary = "List API keys",
                 .response = "Secret",
                 .list = true,
                 .problems = {404},
                 .run = list_api_keys});
  ops.push_back({.id = "create" + title + "Key",
                 .method = http::Method::post,
                 .path = base,
                 .scope = "api-keys:write",
                 .command = verb + " create " + word + " LABEL",
                 .summary = "Create an API key; its text is shown once",
                 .body = secret_fields(std::move(scopes)),
                 .response = "NewSecret",
                 .status = 201,
                 .problems = {404},
                 .run = create_api_key,
                 .announces = false});
  ops.push_back({.id = "delete" + title + "Key",
                 .method = http::Method::delete_,
                 .path = base + "/{id}",
                 .scope = "api-keys:write",
                 .command = verb + " delete " + word + " ID",
                 .summary = "Delete an API key",
                 .status = 204,
                 .problems = {404},
                 .run = delete_api_key});
}

Resource make() {
  Resource out{"secrets", "App passwords and API keys.", secret_schemas(), {}};
  auto& ops = out.operations;
  const std::string base = "/accounts/{address}/app-passwords";
  ops.push_back({.id = "listAppPasswords",
                 .path = base,
                 .scope = "app-passwords:read",
                 .command = "app-password list ADDRESS",
                 .summary = "List app passwords",
                 .response = "Secret",
                 .list = true,
                 .problems = {404},
                 .run = list_app_passwords});
  ops.push_back({.id = "createAppPassword",
                 .method = http::Method::post,
                 .path = base,
                 .scope = "app-passwords:write",
                 .command = "app-password create ADDRESS LABEL",
                 .summary = "Create an app password; its text is shown once",
                 .body = secret_fields(account_scopes()),
                 .response = "NewSecret",
                 .status = 201,
                 .problems = {404},
                 .run = create_app_password});
  ops.push_back({.id = "deleteAppPassword",
                 .method = http::Method::delete_,
                 .path = base + "/{id}",
                 .scope = "app-passwords:write",
                 .command = "app-password delete ADDRESS ID",
                 .summary = "Delete an app password",
                 .status = 204,
                 .problems = {404},
                 .run = delete_app_password});
  add_keys(ops, "/accounts/{address}/api-keys", "Account", "account-key", "ADDRESS", account_scopes());
  add_keys(ops, "/administrators/{name}/api-keys", "Administrator", "api-key", "NAME", {});
  return out;
}

}  // namespace

Resource secrets() {
  return make();
}

}  // namespace dromos::admind
