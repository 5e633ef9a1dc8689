#include "admind/api/problems.h"

#include <nlohmann/json.hpp>

#include "common/base/strings.h"
#include "common/directory/errc.h"
#include "common/http/problem.h"
#include "common/store/errc.h"

namespace dromos::admind {

namespace {

struct Meaning {
  int status;
  const char* code;
  const char* hint;
};

Meaning meaning_of(const Error& error) {
  using directory::Errc;
  using store::StoreErrc;
  if (error.is(Errc::throttled)) return {429, "throttled", "wait; too many failures came from this address"};
  if (error.is(Errc::busy)) return {503, "busy", "try again in a few seconds"};
  if (error.is(Errc::bad_credentials) || error.is(Errc::disabled) || error.is(Errc::scope))
    return {401, "unauthorized", "check the credentials"};
  if (error.is(Errc::invalid_address))
    return {400, "invalid_address", "give local@domain, or a host name for a domain"};
  if (error.is(Errc::invalid_hash))
    return {400, "invalid_hash", "give {ARGON2ID}, {SHA512-CRYPT}, {BLF-CRYPT}, {CRYPT} or {SCRAM-SHA-256}"};
  if (error.is(StoreErrc::not_found)) return {404, "not_found", "list the resource to see what there is"};
  switch (const int status = http::status_of(error)) {
    case 400:
      return {400, "invalid", "correct the request; repeating it as it is will fail again"};
    case 403:
      return {403, "forbidden", "use a key with the scope, or an administrator with the role"};
    case 404:
      return {404, "not_found", "list the resource to see what there is"};
    case 409:
      return error.is(dromos::Errc::already_exists)
                 ? Meaning{409, "exists", "change the one that exists, or choose another name"}
                 : Meaning{409, "conflict", "remove what still depends on it first"};
    case 413:
      return {413, "limit", "ask for less at once"};
    case 503:
    case 504:
      return {503, "unavailable", "try again; see GET /api/v1/health"};
    default:
      return {status, "internal", "this is a fault of the server; its log has more under the trace id"};
  }
}

}  // namespace

http::Response refuse(int status, std::string_view code, std::string_view detail, std::string_view hint,
                      TraceId trace, const std::vector<Fault>& faults) {
  nlohmann::json body{{"type", "urn:dromos:problem:" + std::string(code)},
                      {"title", http::reason_phrase(status)},
                      {"status", status},
                      {"detail", clean_utf8(detail)},
                      {"hint", hint},
                      {"instance", "urn:uuid:" + trace.value.to_string()}};
  for (const auto& fault : faults)
    body["errors"].push_back({{"pointer", fault.pointer}, {"detail", fault.detail}});
  http::Response out(status, "application/problem+json",
                     body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  if (status == 503 || status == 429) out.headers.add("Retry-After", "5");
  if (status == 401) {
    out.headers.add("WWW-Authenticate", "Bearer realm=\"dromos\"");
    out.headers.add("WWW-Authenticate", "Basic realm=\"dromos\", charset=\"UTF-8\"");
  }
  return out;
}

int problem_status(const Error& error) {
  return meaning_of(error).status;
}

http::Response refuse(const Error& error, TraceId trace) {
  const Meaning meaning = meaning_of(error);
  // What broke inside is for the log.
  const std::string_view detail = meaning.status >= 500 && meaning.status != 503
                                      ? std::string_view("unexpected failure")
                                  : meaning.status == 503 ? std::string_view("not possible at the moment")
                                  : meaning.status == 401 ? std::string_view("authentication failed")
                                                          : std::string_view(error.message());
  return refuse(meaning.status, meaning.code, detail, meaning.hint, trace);
}

}  // namespace dromos::admind
