// What an account does for itself, by Basic with its own password: see itself, change the password, keep app
// passwords. App passwords and API keys do not get here.
#include "admind/commands/common.h"
#include "admind/commands/secrets.h"
#include "admind/service/services.h"

namespace dromos::admind {

namespace {

Task<Result<Reply>> show_self(Call& call) {
  CO_TRY(const auto account, co_await call.services.directory.account(call.actor.account, call.deadline));
  co_return Reply{{{"id", to_text(account.id)},
                   {"address", account.login},
                   {"display_name", account.display_name},
                   {"quota_bytes", account.quota_bytes}},
                  {}};
}

Task<Result<Reply>> change_password(Call& call) {
  call.object = call.actor.name;
  CO_TRY_VOID(co_await call.services.admin.set_password(
      call.actor.name, call.get<std::string>("password", ""), call.deadline));
  co_return Reply{};
}

Task<Result<Reply>> list_own(Call& call) {
  CO_TRY(const auto found, co_await call.services.admin.list_app_passwords(call.actor.name, call.deadline));
  json items = json::array();
  for (const auto& info : found) items.push_back(secret_json(info));
  co_return whole(std::move(items));
}

Task<Result<Reply>> create_own(Call& call) {
  call.object = call.actor.name;
  const auto spec = secret_spec(call);
  CO_TRY(const auto made,
         co_await call.services.admin.create_app_password(call.actor.name, spec, call.deadline));
  co_return new_secret(made, spec);
}

Task<Result<Reply>> delete_own(Call& call) {
  call.object = call.actor.name + "/" + call.path("id");
  CO_TRY(const int64_t id, secret_id(call));
  CO_TRY_VOID(co_await call.services.admin.delete_app_password(call.actor.name, id, call.deadline));
  co_return Reply{};
}

Operation own(Operation op) {
  op.audience = Audience::account;
  return op;
}

Resource make() {
  Resource out{"self", "What an account does for itself, by Basic with its own password.", {}, {}};
  out.schemas = {{"Self",
                  "One's own account.",
                  {text("id", "A and base32").need(), text("address", "login").need(),
                   text("display_name", "name").need(), integer("quota_bytes", "0: no limit").need()}}};
  auto& ops = out.operations;
  ops.push_back(own({.id = "showSelf",
                     .path = "/self",
                     .summary = "Show one's own account",
                     .response = "Self",
                     .run = show_self}));
  ops.push_back(own({.id = "changeOwnPassword",
                     .method = http::Method::post,
                     .path = "/self/password",
                     .summary = "Change one's own password",
                     .body = {text("password", "the new one").need().hidden().within(8, 1024)},
                     .status = 204,
                     .run = change_password}));
  ops.push_back(own({.id = "listOwnAppPasswords",
                     .path = "/self/app-passwords",
                     .summary = "List one's app passwords",
                     .response = "Secret",
                     .list = true,
                     .run = list_own}));
  ops.push_back(own({.id = "createOwnAppPassword",
                     .method = http::Method::post,
                     .path = "/self/app-passwords",
                     .summary = "Create an app password; its text is shown once",
                     .body = secret_fields(account_scopes()),
                     .response = "NewSecret",
                     .status = 201,
                     .run = create_own}));
  ops.push_back(own({.id = "deleteOwnAppPassword",
                     .method = http::Method::delete_,
                     .path = "/self/app-passwords/{id}",
                     .summary = "Delete one of one's app passwords",
                     .status = 204,
                     .problems = {404},
                     .run = delete_own}));
  return out;
}

}  // namespace

Resource self() {
  return make();
}

}  // namespace dromos::admind
