// Administrators: who may use this API. Owners do everything, operators all but this page, auditors read.
#include <algorithm>

#include "admind/commands/common.h"
#include "admind/service/services.h"

namespace dromos::admind {

namespace {

json to_json(const directory::Administrator& admin) {
  return {{"name", admin.name},
          {"role", admin.role},
          {"enabled", admin.enabled},
          {"created_at", to_rfc3339(admin.created_us)}};
}

Task<Result<Reply>> show_named(Call& call, std::string name) {
  CO_TRY(const auto found, co_await call.services.administrators.list(call.deadline));
  for (const auto& admin : found)
    if (admin.name == name) co_return Reply{to_json(admin), {}};
  co_return fail(Errc::not_found, "no such administrator: " + name);
}

Task<Result<Reply>> list_administrators(Call& call) {
  CO_TRY(const auto found, co_await call.services.administrators.list(call.deadline));
  json items = json::array();
  for (const auto& admin : found) items.push_back(to_json(admin));
  co_return whole(std::move(items));
}

Task<Result<Reply>> show_administrator(Call& call) {
  co_return co_await show_named(call, call.path("name"));
}

Task<Result<Reply>> create_administrator(Call& call) {
  const auto name = call.get<std::string>("name", "");
  call.object = name;
  CO_TRY_VOID(co_await call.services.administrators.create(
      name, call.get<std::string>("role", ""), call.get<std::string>("password", ""), call.deadline));
  co_return co_await show_named(call, name);
}

// Somebody must be left who can change administrators.
Task<Result<void>> keep_an_owner(Call& call, std::string without) {
  CO_TRY(const auto all, co_await call.services.administrators.list(call.deadline));
  const bool left = std::any_of(all.begin(), all.end(), [&](const auto& admin) {
    return admin.role == "owner" && admin.enabled && admin.name != without;
  });
  if (!left) co_return fail(Errc::conflict, without + " is the last owner; make another one first");
  co_return Result<void>{};
}

Task<Result<Reply>> update_administrator(Call& call) {
  directory::AdministratorChange change;
  change.role = call.maybe<std::string>("role");
  change.password = call.maybe<std::string>("password");
  change.enabled = call.maybe<bool>("enabled");
  const std::string name = call.path("name");
  const bool loses = (change.role && *change.role != "owner") || (change.enabled && !*change.enabled);
  if (loses) CO_TRY_VOID(co_await keep_an_owner(call, name));
  CO_TRY_VOID(co_await call.services.administrators.update(name, std::move(change), call.deadline));
  co_return co_await show_named(call, name);
}

Task<Result<Reply>> delete_administrator(Call& call) {
  const std::string name = call.path("name");
  CO_TRY_VOID(co_await show_named(call, name));
  CO_TRY_VOID(co_await keep_an_owner(call, name));
  CO_TRY_VOID(co_await call.services.administrators.remove(name, call.deadline));
  co_return Reply{};
}

Field role() {
  return text("role", "owner: all; operator: all but administrators; auditor: reads")
      .one_of({"owner", "operator", "auditor"});
}

Resource make() {
  Resource out{"administrators", "Who may use this API.", {}, {}};
  out.schemas = {
      {"Administrator",
       "Somebody who may use this API.",
       {text("name", "login").need(), role().need(), boolean("enabled", "false: no key of it works").need(),
        time("created_at", "when it was made").need()}}};
  const Field password =
      text("password", "for Basic; without one only API keys work").hidden().within(8, 1024);
  const Field enabled = boolean("enabled", "false: no key of it works");
  auto& ops = out.operations;
  ops.push_back({.id = "listAdministrators",
                 .path = "/administrators",
                 .scope = "administrators:read",
                 .command = "admin list",
                 .summary = "List administrators",
                 .response = "Administrator",
                 .list = true,
                 .run = list_administrators});
  ops.push_back(
      {.id = "createAdministrator",
       .method = http::Method::post,
       .path = "/administrators",
       .scope = "administrators:write",
       .command = "",
       .summary = "Create an administrator",
       .body = {text("name", "a-z 0-9 . _ - @, lower case").need().within(1, 200), role().need(), password},
       .response = "Administrator",
       .status = 201,
       .run = create_administrator,
       .announces = false});
  ops.push_back({.id = "showAdministrator",
                 .path = "/administrators/{name}",
                 .scope = "administrators:read",
                 .command = "admin show NAME",
                 .summary = "Show an administrator",
                 .response = "Administrator",
                 .problems = {404},
                 .run = show_administrator});
  ops.push_back({.id = "updateAdministrator",
                 .method = http::Method::patch,
                 .path = "/administrators/{name}",
                 .scope = "administrators:write",
                 .command = "admin update NAME",
                 .summary = "Change an administrator",
                 .body = {role(), password, enabled},
                 .response = "Administrator",
                 .problems = {404, 409},
                 .run = update_administrator,
                 .announces = false});
  ops.push_back({.id = "deleteAdministrator",
                 .method = http::Method::delete_,
                 .path = "/administrators/{name}",
                 .scope = "administrators:write",
                 .command = "admin delete NAME",
                 .summary = "Delete an administrator",
                 .status = 204,
                 .problems = {404, 409},
                 .run = delete_administrator,
                 .announces = false});
  return out;
}

}  // namespace

Resource administrators() {
  return make();
}

}  // namespace dromos::admind
