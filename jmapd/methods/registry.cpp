#include "jmapd/methods/registry.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/log/log.h"
#include "jmapd/methods/types.h"
#include "jmapd/protocol/pointer.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

Task<Outcome<json>> echo(Context&, json arguments) {
  co_return std::move(arguments);
}

Task<Outcome<json>> call(Context& context, const Method& method, json arguments) {
  std::string failure;
  try {
    auto task = method.run(context, std::move(arguments));
    co_return co_await std::move(task);
  } catch (const std::exception& e) {  // a bug: one method's answer, not the connection's end
    failure = e.what();
  }
  co_return refuse("serverFail", failure);
}

void note_failure(const Context& context, const std::string& name, MethodError& error) {
  if (!error.is("serverFail") && !error.is("serverUnavailable")) return;
  log::warn("jmap.method_failed",
            {{"method", name}, {"account", context.own}, {"err", error.type + ": " + error.description}});
  error.description.clear();  // texts of the database are not for clients
}

}  // namespace

const Registry& Registry::instance() {
  static const Registry registry;
  return registry;
}

Registry::Registry() : capabilities_{kCore, kMail} {
  add("Core/echo", kCore, echo);
  for (auto& type : mail_types()) add_type(std::move(type));
  for (auto& [name, run] : mail_methods()) add(name, kMail, run);
  for (auto& [name, run] : snippet_methods()) add(name, kMail, run);
}

void Registry::add(std::string name, std::string_view capability, MethodFunction run) {
  methods_.emplace(std::move(name), Method{capability, std::move(run)});
}

void Registry::add_type(std::shared_ptr<ObjectType> type) {
  using Standard = Task<Outcome<json>> (*)(Context&, ObjectType&, json);
  constexpr struct {
    unsigned bit;
    const char* suffix;
    Standard run;
  } kStandard[] = {{kGet, "/get", standard_get},
                   {kChanges, "/changes", standard_changes},
                   {kSet, "/set", standard_set},
                   {kQuery, "/query", standard_query},
                   {kQueryChanges, "/queryChanges", standard_query_changes}};
  for (const auto& one : kStandard)
    if ((type->methods() & one.bit) != 0)
      add(std::string(type->name()) + one.suffix, type->capability(),
          [type, run = one.run](Context& context, json arguments) {
            return run(context, *type, std::move(arguments));
          });
}

const Method* Registry::find(const std::string& name) const {
  const auto at = methods_.find(name);
  return at == methods_.end() ? nullptr : &at->second;
}

bool Registry::knows(std::string_view capability) const {
  return std::find(capabilities_.begin(), capabilities_.end(), capability) != capabilities_.end();
}

Task<json> run_request(Context& context, ApiRequest request, std::string session_state) {
  json answers = json::array();
  size_t budget = kMaxReferredBytes;
  context.created = std::move(request.created);
  for (Invocation& invocation : request.calls) {
    const Method* method = Registry::instance().find(invocation.name);
    const bool in_use = method != nullptr && std::find(request.uses.begin(), request.uses.end(),
                                                       method->capability) != request.uses.end();
    Outcome<json> outcome = refuse("unknownMethod");
    if (in_use) {
      const auto resolved = resolve_references(*invocation.arguments, answers, budget);
      if (!resolved)
        outcome = tl::unexpected<MethodError>(resolved.error());
      else if (context.deadline.passed())
        outcome = refuse("serverUnavailable", "the request took too long");
      else
        outcome = co_await call(context, *method, std::move(*invocation.arguments));
    }
    if (outcome) {
      answers.push_back(json::array({invocation.name, std::move(*outcome), invocation.id}));
    } else {
      note_failure(context, invocation.name, outcome.error());
      answers.push_back(json::array({"error", error_json(outcome.error()), invocation.id}));
    }
  }
  json response = {{"methodResponses", std::move(answers)}, {"sessionState", std::move(session_state)}};
  if (request.wants_created) response["createdIds"] = context.created;
  co_return response;
}

}  // namespace dromos::jmapd
