#include "admind/api/openapi.h"

#include <map>

#include "admind/api/operation.h"
#include "common/base/strings.h"
#include "common/http/method.h"

namespace dromos::admind {

namespace {

using nlohmann::json;

json reference(const std::string& schema) {
  return {{"$ref", "#/components/schemas/" + schema}};
}

json or_null(json schema, bool nullable) {
  if (!nullable) return schema;
  if (schema.contains("type")) {
    schema["type"] = json::array({schema["type"], "null"});
    if (schema.contains("enum")) schema["enum"].push_back(nullptr);
    return schema;
  }
  return {{"anyOf", json::array({schema, {{"type", "null"}}})}};
}

json schema_of(const Field& field) {
  json out;
  switch (field.kind) {
    case Kind::text:
      out = {{"type", "string"}};
      if (!field.allowed.empty()) out["enum"] = field.allowed;
      break;
    case Kind::integer:
      out = {{"type", "integer"}, {"minimum", field.min}, {"maximum", field.max}};
      break;
    case Kind::boolean:
      out = {{"type", "boolean"}};
      break;
    case Kind::time:
      out = {{"type", "string"}, {"format", "date-time"}};
      break;
    case Kind::texts:
      out = {{"type", "array"}, {"items", {{"type", "string"}}}};
      if (!field.allowed.empty()) out["items"]["enum"] = field.allowed;
      break;
    case Kind::object:
      out = field.of.empty() ? json{{"type", "object"}} : reference(field.of);
      break;
    case Kind::objects:
      out = {{"type", "array"}, {"items", reference(field.of)}};
      break;
    case Kind::any:
      out = json::object();
      break;
  }
  out = or_null(std::move(out), field.nullable);
  out["description"] = field.about;
  return out;
}

json object_schema(const std::vector<Field>& fields) {
  json out{{"type", "object"}, {"properties", json::object()}, {"additionalProperties", false}};
  for (const auto& field : fields) {
    out["properties"][field.name] = schema_of(field);
    if (field.required) out["required"].push_back(field.name);
  }
  return out;
}

json parameters_of(const Operation& op) {
  json out = json::array();
  for (size_t open = op.path.find('{'); open != std::string::npos; open = op.path.find('{', open + 1)) {
    const std::string name = op.path.substr(open + 1, op.path.find('}', open) - open - 1);
    out.push_back({{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  }
  for (const auto& field : op.query)
    out.push_back({{"name", field.name},
                   {"in", "query"},
                   {"required", field.required},
                   {"description", field.about},
                   {"schema", schema_of(field)}});
  if (op.method == http::Method::post)
    out.push_back({{"name", "Idempotency-Key"},
                   {"in", "header"},
                   {"description", "Repeats with the same key within a day get the first answer."},
                   {"schema", {{"type", "string"}, {"maxLength", 255}}}});
  return out;
}

json content(const std::string& type, json schema) {
  return {{type, {{"schema", std::move(schema)}}}};
}

json success_of(const Operation& op) {
  json out{{"description", op.status == 204 ? "Done." : "The answer."}};
  if (op.status == 204) return out;
  if (op.response.empty()) {
    out["content"] = content("application/json", json::object());
  } else if (op.list) {
    json page{{"type", "object"},
              {"required", {"items", "next"}},
              {"additionalProperties", false},
              {"properties",
               {{"items", {{"type", "array"}, {"items", reference(op.response)}}},
                {"next",
                 {{"type", {"string", "null"}},
                  {"description", "Give it as `after` for the next page; null at the end."}}}}}};
    out["content"] = content("application/json", std::move(page));
  } else {
    out["content"] = content("application/json", reference(op.response));
  }
  return out;
}

json responses_of(const Operation& op) {
  json out;
  out[std::to_string(op.status)] = success_of(op);
  std::vector<int> problems = {400, 500, 503};
  if (op.audience != Audience::everybody) problems.insert(problems.end(), {401, 403, 429});
  if (op.method == http::Method::post) problems.insert(problems.end(), {409, 422});
  if (op.method == http::Method::patch || op.method == http::Method::put ||
      op.method == http::Method::delete_)
    problems.push_back(412);
  problems.insert(problems.end(), op.problems.begin(), op.problems.end());
  for (const int status : problems)
    out[std::to_string(status)] = {{"description", std::string(http::reason_phrase(status))},
                                   {"content", content("application/problem+json", reference("Problem"))}};
  return out;
}

json request_of(const Operation& op) {
  json out{{"required", true}};
  if (op.raw_body.empty()) {
    out["content"] = content("application/json", object_schema(op.body));
    bool needed = false;
    for (const auto& field : op.body) needed = needed || field.required;
    out["required"] = needed;
    return out;
  }
  for (const auto type : split(op.raw_body, ','))
    out["content"][std::string(trim(type))] = {{"schema", json::object()}};
  return out;
}

json operation_of(const Resource& resource, const Operation& op) {
  json out{{"operationId", op.id},
           {"summary", op.summary},
           {"tags", {resource.tag}},
           {"parameters", parameters_of(op)},
           {"responses", responses_of(op)}};
  if (!op.body.empty() || !op.raw_body.empty()) out["requestBody"] = request_of(op);
  if (op.audience == Audience::everybody) out["security"] = json::array();
  if (op.audience == Audience::account) out["security"] = json::array({{{"basic", json::array()}}});
  if (op.audience == Audience::administrator) out["x-dromos-scope"] = op.scope;
  if (!op.command.empty()) out["x-dromosctl"] = op.command;
  return out;
}

json problem_schema() {
  return object_schema(
      {text("type", "urn:dromos:problem:<code>, a stable word for the kind of problem").need(),
       text("title", "the status in words").need(), integer("status", "the HTTP status").need(),
       text("detail", "what is wrong"), text("hint", "how to mend it"),
       text("instance", "urn:uuid: of the request; the log has more under it"),
       objects("errors", "ProblemPlace", "where, one for each fault")});
}

json document() {
  json out{{"openapi", "3.1.0"},
           {"info",
            {{"title", "Dromos administration"},
             {"version", "1"},
             {"description",
              "Administration of a Dromos mail suite. Errors are application/problem+json and say what is "
              "wrong, where, "
              "and how to mend it. Lists are paged by `limit` and `after`."}}},
           {"servers", json::array({{{"url", "/api/v1"}}})},
           {"security", json::array({{{"key", json::array()}}, {{"basic", json::array()}}})}};
  auto& components = out["components"];
  components["securitySchemes"] = {
      {"key", {{"type", "http"}, {"scheme", "bearer"}, {"description", "An API key."}}},
      {"basic", {{"type", "http"}, {"scheme", "basic"}}}};
  auto& schemas = components["schemas"];
  schemas["Problem"] = problem_schema();
  schemas["ProblemPlace"] =
      object_schema({text("pointer", "JSON pointer into the body, or ?name of a query parameter").need(),
                     text("detail", "what is wrong there").need()});
  for (const auto& resource : resources()) {
    out["tags"].push_back({{"name", resource.tag}, {"description", resource.about}});
    for (const auto& schema : resource.schemas) {
      schemas[schema.name] = object_schema(schema.fields);
      schemas[schema.name]["description"] = schema.about;
    }
    for (const auto& op : resource.operations)
      out["paths"][op.path][to_lower(http::method_name(op.method))] = operation_of(resource, op);
  }
  return out;
}

}  // namespace

const std::string& openapi_text() {
  static const std::string text = document().dump(1) + "\n";
  return text;
}

}  // namespace dromos::admind
