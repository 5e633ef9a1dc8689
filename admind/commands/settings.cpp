// Settings: policy that all daemons read, live at once by config epoch. Values are JSON; never secrets.
#include "admind/commands/common.h"
#include "admind/service/retention.h"
#include "admind/service/services.h"
#include "common/http/json.h"

namespace dromos::admind {

namespace {

constexpr size_t kMaxValue = 64 * 1024;

json to_json(const std::string& key, const std::string& value) {
  auto parsed = http::parse_json(value);
  return {{"key", key}, {"value", parsed ? std::move(*parsed) : json(nullptr)}};
}

Task<Result<Reply>> list_settings(Call& call) {
  CO_TRY(const auto settings, co_await call.services.administrators.settings(call.deadline));
  json items = json::array();
  for (const auto& [key, value] : settings.values) items.push_back(to_json(key, value));
  co_return whole(std::move(items));
}

Task<Result<Reply>> show_setting(Call& call) {
  CO_TRY(const auto settings, co_await call.services.administrators.settings(call.deadline));
  const auto found = settings.values.find(call.path("key"));
  if (found == settings.values.end()) co_return fail(Errc::not_found, "no such setting: " + call.path("key"));
  co_return Reply{to_json(found->first, found->second), {}};
}

Task<Result<Reply>> put_setting(Call& call) {
  CO_TRY_VOID(check_retention(call.path("key"), call.body["value"]));
  const std::string value = call.body["value"].dump();
  if (value.size() > kMaxValue) co_return fail(Errc::invalid_argument, "/value is larger than 64 KiB");
  CO_TRY_VOID(co_await call.services.administrators.put_setting(call.path("key"), value, call.deadline));
  co_return co_await show_setting(call);
}

Task<Result<Reply>> delete_setting(Call& call) {
  CO_TRY_VOID(co_await call.services.administrators.delete_setting(call.path("key"), call.deadline));
  co_return Reply{};
}

Resource make() {
  Resource out{"settings", "Policy that all daemons read.", {}, {}};
  out.schemas = {{"Setting",
                  "One setting.",
                  {text("key", "a-z 0-9 _ with dots").need(), any("value", "any JSON").need()}}};
  auto& ops = out.operations;
  ops.push_back({.id = "listSettings",
                 .path = "/settings",
                 .scope = "settings:read",
                 .command = "setting list",
                 .summary = "List settings",
                 .response = "Setting",
                 .list = true,
                 .run = list_settings});
  ops.push_back({.id = "showSetting",
                 .path = "/settings/{key}",
                 .scope = "settings:read",
                 .command = "setting show KEY",
                 .summary = "Show a setting",
                 .response = "Setting",
                 .problems = {404},
                 .run = show_setting});
  ops.push_back({.id = "putSetting",
                 .method = http::Method::put,
                 .path = "/settings/{key}",
                 .scope = "settings:write",
                 .command = "setting put KEY VALUE",
                 .summary = "Make or change a setting",
                 .body = {any("value", "any JSON").need()},
                 .response = "Setting",
                 .run = put_setting});
  ops.push_back({.id = "deleteSetting",
                 .method = http::Method::delete_,
                 .path = "/settings/{key}",
                 .scope = "settings:write",
                 .command = "setting delete KEY",
                 .summary = "Go back to the default",
                 .status = 204,
                 .problems = {404},
                 .run = delete_setting});
  return out;
}

}  // namespace

Resource settings() {
  return make();
}

}  // namespace dromos::admind
