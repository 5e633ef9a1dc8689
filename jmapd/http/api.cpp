#include "jmapd/http/api.h"

#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/http/json.h"
#include "common/http/problem.h"
#include "jmapd/http/session.h"
#include "jmapd/methods/registry.h"

namespace dromos::jmapd {
namespace {

using nlohmann::json;

bool is_json(std::string_view content_type) {
  return iequals(trim(content_type.substr(0, content_type.find(';'))), "application/json");
}

/// The parsed request, or the answer that refuses it.
tl::expected<ApiRequest, http::Response> understand(const Services& services, const std::string& body) {
  http::JsonLimits limits;
  limits.bytes = services.shared.limits.request_size.bytes;
  auto parsed = http::parse_json(body, limits);
  if (!parsed)
    return tl::unexpected<http::Response>(
        jmap_problem(400, "notJSON",
                     "line " + std::to_string(parsed.error().line) + ", column " +
                         std::to_string(parsed.error().column) + ": " + parsed.error().text));
  auto request = parse_request(std::move(*parsed), services.shared.limits.calls_in_request);
  if (!request)
    return tl::unexpected<http::Response>(
        jmap_problem(400, request.error().type, request.error().detail, request.error().limit));
  for (const std::string& capability : request->uses)
    if (!Registry::instance().knows(capability))
      return tl::unexpected<http::Response>(
          jmap_problem(400, "unknownCapability", "not supported: " + capability));
  return std::move(*request);
}

/// True if every answer failed because the store is away: then the whole request may as well be repeated.
bool all_unavailable(const json& answers) {
  if (answers.empty()) return false;
  for (const json& answer : answers)
    if (answer[0] != "error" || answer[1]["type"] != "serverUnavailable") return false;
  return true;
}

}  // namespace

http::Response jmap_problem(int status, std::string_view type, std::string_view detail,
                            std::string_view limit) {
  json out = {{"type", "urn:ietf:params:jmap:error:" + std::string(type)}, {"status", status}};
  if (!detail.empty()) out["detail"] = detail;
  if (!limit.empty()) out["limit"] = limit;
  return http::Response(status, "application/problem+json",
                        out.dump(-1, ' ', false, json::error_handler_t::replace));
}

Task<http::Response> get_session(Services& services, http::Request& request) {
  auto login = co_await log_in(services, request);
  if (!login) co_return std::move(login).error();
  http::Response out =
      http::json_response(200, session_object(services, *login, base_url(services, request)));
  out.headers.set("Cache-Control", "no-cache, no-store, must-revalidate");
  co_return out;
}

Task<http::Response> post_api(Services& services, http::Request& request) {
  auto login = co_await log_in(services, request);
  if (!login) co_return std::move(login).error();
  const config::JmapLimits& limits = services.shared.limits;
  if (!is_json(request.headers.value("Content-Type")))
    co_return jmap_problem(400, "notJSON", "the content type is to be application/json");
  const auto length = parse_number<uint64_t>(request.headers.value("Content-Length"));
  if (length && *length > limits.request_size.bytes)
    co_return jmap_problem(400, "limit", "the request is too large", "maxSizeRequest");
  const auto slot = services.shared.requests.enter(login->account);
  if (!slot) co_return jmap_problem(400, "limit", "too many requests at once", "maxConcurrentRequests");
  auto body = co_await request.read_all();
  if (!body) co_return http::problem(body.error());
  if (body->size() > limits.request_size.bytes)
    co_return jmap_problem(400, "limit", "the request is too large", "maxSizeRequest");
  auto understood = understand(services, *body);
  if (!understood) co_return std::move(understood).error();
  Context context{services, login->account, login->name, Deadline::after(limits.request_timeout), {}};
  const json response =
      co_await run_request(context, std::move(*understood), session_state(services, *login));
  if (all_unavailable(response["methodResponses"]))
    co_return http::problem(503, "the store is not available at the moment");
  co_return http::json_response(200, response);
}

}  // namespace dromos::jmapd
