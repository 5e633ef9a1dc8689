#include "jmapd/protocol/request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "jmapd/protocol/pointer.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

tl::unexpected<RequestError> not_request(std::string detail) {
  return tl::unexpected<RequestError>(RequestError{"notRequest", std::move(detail), {}});
}

bool is_string_member(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string();
}

Outcome<json> refer(const json& reference, const json& answers, size_t& budget) {
  if (!reference.is_object() || reference.size() != 3 || !is_string_member(reference, "resultOf") ||
      !is_string_member(reference, "name") || !is_string_member(reference, "path"))
    return refuse("invalidResultReference", "a ResultReference has resultOf, name and path");
  for (const json& answer : answers) {
    if (answer[2] != reference["resultOf"]) continue;
    if (answer[0] != reference["name"])
      return refuse("invalidResultReference", "that call was answered by another name");
    auto value = evaluate_pointer(answer[1], reference["path"].get_ref<const std::string&>(), budget);
    if (!value) return refuse("invalidResultReference", "the path leads nowhere");
    return std::move(*value);
  }
  return refuse("invalidResultReference", "no such call before this one");
}

}  // namespace

Invocation::Invocation(std::string method, json args, std::string client_id)
    : name(std::move(method)), arguments(std::make_unique<json>(std::move(args))), id(std::move(client_id)) {}
Invocation::Invocation(Invocation&&) noexcept = default;
Invocation& Invocation::operator=(Invocation&&) noexcept = default;
Invocation::~Invocation() = default;

tl::expected<ApiRequest, RequestError> parse_request(json body, size_t max_calls) {
  if (!body.is_object()) return not_request("the request is no JSON object");
  const auto uses = body.find("using");
  if (uses == body.end() || !uses->is_array() || uses->size() > kMaxUsing)
    return not_request("`using` is to be a list of capabilities");
  ApiRequest request;
  for (const json& one : *uses) {
    if (!one.is_string()) return not_request("`using` is to be a list of capabilities");
    request.uses.push_back(one.get<std::string>());
  }
  const auto calls = body.find("methodCalls");
  if (calls == body.end() || !calls->is_array()) return not_request("`methodCalls` is to be a list");
  for (const json& call : *calls)
    if (!call.is_array() || call.size() != 3 || !call[0].is_string() || !call[1].is_object() ||
        !call[2].is_string())
      return not_request("a method call is [name, arguments, id]");
  if (const auto created = body.find("createdIds"); created != body.end()) {
    if (!created->is_object() || created->size() > kMaxCreatedIds)
      return not_request("`createdIds` is to be a map of ids");
    for (const auto& item : created->items()) {
      if (!item.value().is_string()) return not_request("`createdIds` is to be a map of ids");
      request.created.emplace(item.key(), item.value().get<std::string>());
    }
    request.wants_created = true;
  }
  if (calls->size() > max_calls)
    return tl::unexpected<RequestError>(RequestError{"limit", "too many method calls", "maxCallsInRequest"});
  for (json& call : *calls)
    request.calls.emplace_back(call[0].get<std::string>(), std::move(call[1]), call[2].get<std::string>());
  return request;
}

Outcome<void> resolve_references(json& arguments, const json& answers, size_t& budget) {
  std::vector<std::string> names;
  for (const auto& item : arguments.items())
    if (item.key().starts_with('#')) names.push_back(item.key());
  for (const std::string& name : names) {
    const std::string plain = name.substr(1);
    if (arguments.contains(plain)) return invalid_arguments("both " + plain + " and " + name + " are given");
    JR_TRY(json value, refer(arguments[name], answers, budget));
    arguments.erase(name);
    arguments[plain] = std::move(value);
  }
  return {};
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
  });
}

}  // namespace dromos::jmapd
