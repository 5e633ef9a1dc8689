#include "admind/api/dispatch.h"

#include "admind/api/bind.h"
#include "admind/api/idempotency.h"
#include "admind/api/identify.h"
#include "admind/api/openapi.h"
#include "admind/api/problems.h"
#include "admind/service/services.h"
#include "common/http/conditional.h"
#include "common/http/json.h"
#include "common/http/path.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"

namespace dromos::admind {

namespace {

using nlohmann::json;

constexpr uint64_t kBodyLimit = 1024 * 1024;

metrics::Counter& refused(std::string_view why) {
  return metrics::counter("dromos_admind_refusals_total", "REST requests refused, by reason.",
                          {{"reason", why}});
}

// An answer instead of going on.
using Stop = std::optional<http::Response>;

Stop check_audience(const Operation& op, const Actor& actor, TraceId trace) {
  if (op.audience == Audience::everybody) return std::nullopt;
  if (actor.kind == Actor::Kind::nobody) {
    refused("unauthorized").add();
    return refuse(401, "unauthorized", "this needs credentials",
                  "send Authorization: Bearer KEY; `dromosctl admin create NAME` makes the first key", trace);
  }
  const bool allowed = op.audience == Audience::account
                           ? actor.kind == Actor::Kind::account && actor.key_id == 0
                           : actor.may(op.scope);
  if (allowed) return std::nullopt;
  refused("forbidden").add();
  if (op.audience == Audience::account)
    return refuse(403, "forbidden", "this is for an account, by its own password",
                  "use Basic with the account's address", trace);
  return refuse(403, "forbidden", actor.label() + " has no scope " + op.scope + " within its role",
                "use a key that has the scope " + op.scope, trace);
}

Stop check_input(const Operation& op, Call& call) {
  const TraceId trace = call.request.trace;
  std::vector<Fault> faults;
  const auto pairs = http::parse_query(call.request.query_string);
  if (!pairs)
    return refuse(400, "invalid", "the query string is malformed", "percent-encode its values", trace);
  faults = check_query(*pairs, op.query, call.query);
  if (!op.raw_body.empty()) {
    if (call.raw.empty()) faults.push_back({"", "a body is needed: " + op.raw_body});
  } else if (!call.raw.empty()) {
    auto parsed = http::parse_json(call.raw);
    if (!parsed)
      return refuse(400, "invalid_json",
                    parsed.error().text + " in line " + std::to_string(parsed.error().line) + ", column " +
                        std::to_string(parsed.error().column),
                    "send one JSON object", trace);
    call.body = std::move(*parsed);
  }
  if (op.raw_body.empty()) {
    auto more = check_body(call.body, op.body);
    faults.insert(faults.end(), more.begin(), more.end());
  }
  if (faults.empty()) return std::nullopt;
  refused("invalid").add();
  std::string detail = faults[0].pointer + " " + faults[0].detail;
  if (faults.size() > 1) detail += " (and " + std::to_string(faults.size() - 1) + " more)";
  return refuse(400, "invalid", detail,
                "correct what `errors` names; " + std::string(kPrefix) + "/openapi.json has the schema",
                trace, faults);
}

// Secrets never reach the log.
std::string audit_detail(const Operation& op, const Call& call) {
  json detail = json::object();
  for (const auto& field : op.body)
    if (!field.secret && call.body.contains(field.name)) detail[field.name] = call.body[field.name];
  for (const auto& item : call.query.items()) detail[item.key()] = item.value();
  return detail.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string object_of(const Call& call) {
  if (!call.object.empty()) return call.object;
  std::string out;
  for (const auto& [name, value] : call.request.parameters) out += (out.empty() ? "" : "/") + value;
  return out;
}

Task<void> after_change(const Operation& op, Call& call) {
  directory::AuditEntry entry;
  entry.actor = call.actor.label();
  entry.remote = call.request.peer.ip();
  entry.action = op.id;
  entry.object = object_of(call);
  entry.detail = audit_detail(op, call);
  entry.trace = call.request.trace;
  const std::string object = entry.object;
  auto written = co_await call.services.administrators.audit(std::move(entry), Deadline::after(seconds(5)));
  log::info("admin.change", {{"action", op.id},
                             {"object", object},
                             {"actor", call.actor.label()},
                             {"remote", call.request.peer.ip()},
                             {"trace", call.request.trace}});
  if (!written) log::error("audit.lost", {{"action", op.id}, {"object", object}, {"err", written.error()}});
  if (op.announces) co_await call.services.announce();
}

const Operation* reader_of(const Operation& op) {
  for (const auto& resource : resources())
    for (const auto& other : resource.operations)
      if (other.path == op.path && other.method == http::Method::get) return &other;
  return nullptr;
}

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// If-Match on a change: the resource as GET would show it must still have that tag.
Task<Stop> check_match(const Operation& op, Call& call) {
  if (!call.request.headers.has("If-Match")) co_return std::nullopt;
  const Operation* reader = reader_of(op);
  if (reader == nullptr || reader->list)
    co_return refuse(400, "invalid", "If-Match is not possible here", "leave it out", call.request.trace);
  Call reading{call.services,  call.request, call.actor,    json::object(),
               json::object(), "",           call.deadline, ""};
  auto now = co_await reader->run(reading);
  if (!now && now.error().may_retry()) co_return refuse(now.error(), call.request.trace);
  const std::string tag = now ? http::etag_of_content(text_of(now->value)) : std::string();
  if (http::check_preconditions(call.request.headers, op.method, tag) != 412) co_return std::nullopt;
  co_return refuse(412, "changed", "it has changed since it was read",
                   "read it again and repeat the change on what is there now", call.request.trace);
}

http::Response answer(const Operation& op, Call& call, Reply reply) {
  if (reply.raw) return std::move(*reply.raw);
  if (op.status == 204) return http::Response(204);
  std::string body = text_of(reply.value);
  if (op.method != http::Method::get || op.list)
    return http::Response(op.status, "application/json", std::move(body));
  const std::string tag = http::etag_of_content(body);
  const bool same = http::check_preconditions(call.request.headers, http::Method::get, tag) == 304;
  http::Response out =
      same ? http::Response(304) : http::Response(op.status, "application/json", std::move(body));
  out.headers.add("ETag", tag);
  return out;
}

Task<http::Response> execute(const Operation& op, Call& call) {
  auto reply = co_await op.run(call);
  if (!reply) {
    const int status = problem_status(reply.error());
    if (status >= 500)
      log::warn("rest.failed", {{"operation", op.id}, {"trace", call.request.trace}, {"err", reply.error()}});
    co_return refuse(reply.error(), call.request.trace);
  }
  if (op.changes()) co_await after_change(op, call);
  co_return answer(op, call, std::move(*reply));
}

Task<http::Response> dispatch(Services& services, const Operation& op, http::Request& request) {
  const Deadline deadline = Deadline::after(op.time);
  auto actor = co_await identify(services, request, deadline);
  if (!actor) {
    refused("unauthorized").add();
    log::info("login.failed",
              {{"remote", request.peer.ip()}, {"trace", request.trace}, {"err", actor.error()}});
    co_return refuse(actor.error(), request.trace);
  }
  if (auto stop = check_audience(op, *actor, request.trace)) co_return std::move(*stop);
  auto body = co_await request.read_all();
  if (!body) co_return http::Response(400);  // the server answers with what was wrong
  Call call{services,       request,          std::move(*actor), json::object(),
            json::object(), std::move(*body), deadline,          ""};
  if (auto stop = check_input(op, call)) co_return std::move(*stop);
  if (op.changes()) {
    auto stop = co_await check_match(op, call);
    if (stop) co_return std::move(*stop);
  }
  if (op.method == http::Method::post && request.headers.has("Idempotency-Key"))
    co_return co_await execute_once(op, call, execute);
  co_return co_await execute(op, call);
}

Task<http::Response> send_openapi(const std::string& document) {
  http::Response out(200, "application/json", document);
  out.headers.add("ETag", http::etag_of_content(document));
  co_return out;
}

}  // namespace

void mount(http::Router& router, Services& services, uint64_t import_limit) {
  for (const auto& resource : resources()) {
    for (const auto& op : resource.operations) {
      http::RouteOptions options;
      options.body_limit = op.raw_body.empty() ? kBodyLimit : import_limit;
      router.add(
          op.method, kPrefix + op.path,
          [&services, &op](http::Request& request) { return dispatch(services, op, request); }, options);
    }
  }
  router.add(http::Method::get, std::string(kPrefix) + "/openapi.json",
             [](http::Request&) { return send_openapi(openapi_text()); });
}

}  // namespace dromos::admind
