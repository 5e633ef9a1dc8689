// An operation of the administration: one row of the table that drives routing, scopes, checks of input, the
// OpenAPI document and dromosctl's verbs. commands/<resource>.cpp holds the rows and their handlers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "admind/api/actor.h"
#include "admind/api/schema.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/http/message.h"

namespace dromos::admind {

struct Services;

/// A checked request on its way through a handler.
struct Call {
  Services& services;
  http::Request& request;
  Actor actor;
  nlohmann::json body;   // checked; {} without one
  nlohmann::json query;  // checked and typed
  std::string raw;       // bodies that are not one JSON object
  Deadline deadline;
  std::string object;  // what was changed, for the audit log; default: the path's parameters

  std::string path(std::string_view name) const { return std::string(request.parameter(name)); }
  /// A member of the body, or `otherwise`.
  template <class T>
  T get(const char* name, T otherwise) const {
    const auto found = body.find(name);
    return found == body.end() || found->is_null() ? std::move(otherwise) : found->template get<T>();
  }
  template <class T>
  std::optional<T> maybe(const char* name) const {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) return std::nullopt;
    return found->template get<T>();
  }
  std::string word(const char* name) const { return query.value(name, std::string()); }
};

struct Reply {
  nlohmann::json value;  // sent unless `raw` is set or the operation answers 204
  std::optional<http::Response> raw;
};

using Run = Task<Result<Reply>> (*)(Call&);

/// Who may: an administrator with the scope, the account itself, or anybody.
enum class Audience : uint8_t { administrator, account, everybody };

struct Operation {
  std::string id;  // "createDomain": OpenAPI's operationId
  http::Method method = http::Method::get;
  std::string path;     // below /api/v1: "/domains/{domain}"
  std::string scope;    // "domains:write"
  std::string command;  // "domain create NAME": dromosctl's verb; words in capitals are parameters or members
  std::string summary;
  std::vector<Field> query;
  std::vector<Field> body;
  std::string response;  // a schema's name; "" with 204
  bool list = false;     // response is {"items": [...], "next": ...}
  int status = 200;
  std::vector<int> problems;  // besides 400, 401, 403, 429, 500, 503
  Run run = nullptr;
  Audience audience = Audience::administrator;
  std::string
      raw_body;  // media types of a body that is not checked as one object: "text/csv, application/json"
  milliseconds time{30'000};
  bool announces = true;  // a change of directory or settings: daemons hear of the new epoch

  bool changes() const { return method != http::Method::get; }
};

struct Resource {
  std::string tag;
  std::string about;
  std::vector<Schema> schemas;
  std::vector<Operation> operations;
};

/// All of them, in the order of the documentation.
const std::vector<Resource>& resources();

}  // namespace dromos::admind
