#include "jmapd/methods/object_type.h"

#include <nlohmann/json.hpp>

#include "jmapd/protocol/arguments.h"

namespace dromos::jmapd {

using nlohmann::json;

Found::Found() : list(std::make_unique<json>(json::array())) {}
Found::~Found() = default;
Found::Found(Found&&) noexcept = default;
Found& Found::operator=(Found&&) noexcept = default;

Outcome<AccountId> Context::account(Arguments& arguments) const {
  const auto text = arguments.text("accountId");
  if (!text) return invalid_arguments("accountId is missing or no string");
  const auto id = parse_account_id(*text);
  if (!id || *id != own) return refuse("accountNotFound");
  return *id;
}

std::optional<std::string> Context::record_id(const std::string& given) const {
  if (!given.starts_with('#')) return given;
  const auto at = created.find(given.substr(1));
  if (at == created.end()) return std::nullopt;
  return at->second;
}

// A type that does not name a method in methods() never gets here.
Task<Outcome<ChangedIds>> ObjectType::changes(Context&, AccountId, int64_t, size_t) {
  co_return refuse("serverFail");
}
Task<Outcome<QueryAnswer>> ObjectType::query(Context&, AccountId, Arguments&) {
  co_return refuse("serverFail");
}
Task<Outcome<json>> ObjectType::create(Context&, AccountId, json) {
  co_return refuse("forbidden");
}
Task<Outcome<json>> ObjectType::update(Context&, AccountId, std::string, json) {
  co_return refuse("forbidden");
}
Task<Outcome<void>> ObjectType::destroy(Context&, AccountId, std::string) {
  co_return refuse("forbidden");
}
void ObjectType::read_set_arguments(Context&, Arguments&) {}
std::string ObjectType::depends_on(const json&) const {
  return {};
}
bool ObjectType::destroy_again(const MethodError&) const {
  return false;
}

json error_json(const MethodError& error) {
  json out = {{"type", error.type}};
  if (!error.description.empty()) out["description"] = error.description;
  if (!error.properties.empty()) out["properties"] = error.properties;
  if (!error.not_found.empty()) out["notFound"] = error.not_found;
  return out;
}

Task<Outcome<json>> standard_get(Context& context, ObjectType& type, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  auto ids = arguments.texts("ids");
  if (ids) {
    if (ids->size() > context.limits().objects_in_get) co_return refuse("requestTooLarge");
    std::set<std::string> seen;
    std::erase_if(*ids, [&](const std::string& id) { return !seen.insert(id).second; });
  }
  JM_TRY(Found found, co_await type.get(context, account, std::move(ids), arguments));
  json answer = {
      {"accountId", to_text(account)}, {"state", to_text(found.state)}, {"notFound", found.not_found}};
  answer["list"] = std::move(*found.list);
  co_return answer;
}

namespace {

/// The modseq of `text`, if changes since then can be told from `current`.
Outcome<int64_t> since_of(const std::optional<std::string>& text, const State& current, const char* name) {
  if (!text) return invalid_arguments(std::string(name) + " is missing");
  const auto state = parse_state(*text);
  if (!state || state->epoch != current.epoch || state->modseq > current.modseq)
    return refuse("cannotCalculateChanges");
  return state->modseq;
}

}  // namespace

Task<Outcome<json>> standard_changes(Context& context, ObjectType& type, json given) {
  Arguments arguments(given);
  JM_TRY(const AccountId account, context.account(arguments));
  const auto since_text = arguments.text("sinceState");
  const auto max = arguments.unsigned_integer("maxChanges");
  if (max && *max == 0) arguments.fail("maxChanges", "must be above zero");
  JM_CHECK(arguments.finish());
  JM_TRY(const State current, co_await type.state(context, account));
  JM_TRY(const int64_t since, since_of(since_text, current, "sinceState"));
  JM_TRY(const ChangedIds changed, co_await type.changes(context, account, since, max.value_or(0)));
  const size_t total = changed.created.size() + changed.updated.size() + changed.destroyed.size();
  // One transaction may have changed more than the client takes in one step, and is not divided.
  if (max && total > *max) co_return refuse("cannotCalculateChanges");
  json answer = {{"accountId", to_text(account)},
                 {"oldState", *since_text},
                 {"newState", to_text(changed.new_state)},
                 {"hasMoreChanges", changed.more},
                 {"created", changed.created},
                 {"updated", changed.updated},
                 {"destroyed", changed.destroyed}};
  if (type.name() == "Mailbox")
    answer["updatedProperties"] = changed.updated_properties ? json(*changed.updated_properties) : json();
  co_return answer;
}

}  // namespace dromos::jmapd
