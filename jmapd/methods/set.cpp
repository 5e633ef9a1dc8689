// /set (RFC 8620 §5.3) over ObjectType: each record for itself; creations in the order their references ask.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "jmapd/methods/object_type.h"
#include "jmapd/protocol/arguments.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

struct SetRequest {
  std::optional<std::string> if_in_state;
  const json* create = nullptr;
  const json* update = nullptr;
  std::vector<std::string> destroy;
  size_t size() const {
    return (create ? create->size() : 0) + (update ? update->size() : 0) + destroy.size();
  }
};

struct SetAnswer {
  json created = json::object(), not_created = json::object();
  json updated = json::object(), not_updated = json::object();
  json destroyed = json::array(), not_destroyed = json::object();
};

Task<void> create_all(Context& context, ObjectType& type, AccountId account, const json& records,
                      SetAnswer& answer) {
  std::vector<std::string> waiting;
  for (const auto& item : records.items()) waiting.push_back(item.key());
  // A record waits while the one it refers to is still to be made; a ring of them fails below.
  for (bool progress = true; progress && !waiting.empty();) {
    progress = false;
    std::vector<std::string> later;
    for (const std::string& id : waiting) {
      const json& record = records[id];
      const std::string needs = record.is_object() ? type.depends_on(record) : "";
      const bool pending = !needs.empty() && needs != id && !context.created.contains(needs) &&
                           std::find(waiting.begin(), waiting.end(), needs) != waiting.end() &&
                           !answer.not_created.contains(needs);
      if (pending) {
        later.push_back(id);
        continue;
      }
      progress = true;
      Outcome<json> made = refuse("invalidProperties", "a record is an object");
      if (record.is_object()) made = co_await type.create(context, account, record);
      if (made) {
        context.created[id] = (*made)["id"].get<std::string>();
        answer.created[id] = std::move(*made);
      } else {
        answer.not_created[id] = error_json(made.error());
      }
    }
    waiting = std::move(later);
  }
  for (const std::string& id : waiting)
    answer.not_created[id] =
        error_json(MethodError("invalidProperties", "records refer to each other in a ring"));
}

Task<void> update_all(Context& context, ObjectType& type, AccountId account, const json& patches,
                      const std::vector<std::string>& destroy, SetAnswer& answer) {
  for (const auto& item : patches.items()) {
    const std::string given = item.key();
    const auto id = context.record_id(given);
    const auto missing = refuse("notFound");
    Outcome<json> changed = missing;
    if (id && std::find(destroy.begin(), destroy.end(), *id) != destroy.end())
      changed = refuse("willDestroy");
    else if (id && !item.value().is_object())
      changed = refuse("invalidPatch", "a patch is an object");
    else if (id)
      changed = co_await type.update(context, account, *id, item.value());
    const std::string& name = id ? *id : given;
    if (changed)
      answer.updated[name] = std::move(*changed);
    else
      answer.not_updated[name] = error_json(changed.error());
  }
}

Task<void> destroy_all(Context& context, ObjectType& type, AccountId account, std::vector<std::string> ids,
                       SetAnswer& answer) {
  for (bool progress = true; progress && !ids.empty();) {
    progress = false;
    std::vector<std::string> again;
    for (const std::string& id : ids) {
      const auto gone = co_await type.destroy(context, account, id);
      if (gone) {
        answer.destroyed.push_back(id);
        progress = true;
      } else if (type.destroy_again(gone.error())) {
        again.push_back(id);
        answer.not_destroyed[id] = error_json(gone.error());
      } else {
        answer.not_destroyed[id] = error_json(gone.error());
      }
      if (gone) answer.not_destroyed.erase(id);
    }
    ids = std::move(again);
  }
}

json null_if_empty(json value) {
  return value.empty() ? json() : value;
}

Outcome<SetRequest> read_set(Context& context, ObjectType& type, Arguments& arguments) {
  SetRequest request;
  request.if_in_state = arguments.text("ifInState");
  request.create = arguments.object("create");
  request.update = arguments.object("update");
  const auto destroy = arguments.texts("destroy").value_or(std::vector<std::string>{});
  type.read_set_arguments(context, arguments);
  JR_CHECK(arguments.finish());
  for (const std::string& given : destroy) {
    std::string id = context.record_id(given).value_or(given);
    if (std::find(request.destroy.begin(), request.destroy.end(), id) == request.destroy.end())
      request.destroy.push_back(std::move(id));
  }
  if (request.size() > context.limits().objects_in_set) return refuse("requestTooLarge");
  return request;
}

}  // namespace

Task<Outcome<json>> standard_set(Context& context, ObjectType& type, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  JM_TRY(SetRequest request, read_set(context, type, arguments));
  JM_TRY(const State before, co_await type.state(context, account));
  if (request.if_in_state && *request.if_in_state != to_text(before)) co_return refuse("stateMismatch");
  SetAnswer answer;
  if (request.create != nullptr) co_await create_all(context, type, account, *request.create, answer);
  if (request.update != nullptr)
    co_await update_all(context, type, account, *request.update, request.destroy, answer);
  co_await destroy_all(context, type, account, request.destroy, answer);
  JM_TRY(const State after, co_await type.state(context, account));
  co_return json{{"accountId", to_text(account)},
                 {"oldState", to_text(before)},
                 {"newState", to_text(after)},
                 {"created", null_if_empty(std::move(answer.created))},
                 {"updated", null_if_empty(std::move(answer.updated))},
                 {"destroyed", null_if_empty(std::move(answer.destroyed))},
                 {"notCreated", null_if_empty(std::move(answer.not_created))},
                 {"notUpdated", null_if_empty(std::move(answer.not_updated))},
                 {"notDestroyed", null_if_empty(std::move(answer.not_destroyed))}};
}

}  // namespace dromos::jmapd
