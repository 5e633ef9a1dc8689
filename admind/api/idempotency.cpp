#include "admind/api/idempotency.h"

#include "admind/api/problems.h"
#include "admind/service/services.h"
#include "common/crypto/crypto.h"
#include "common/http/json.h"
#include "common/log/log.h"

namespace dromos::admind {

namespace {

constexpr size_t kMaxKey = 255;

std::string without_secret(const std::string& body) {
  auto parsed = http::parse_json(body);
  if (!parsed || !parsed->is_object() || parsed->erase("secret") == 0) return body;
  return parsed->dump() + "\n";
}

http::Response replay(int status, std::string body) {
  if (status == 204) return http::Response(204);
  const char* type = status < 300 ? "application/json" : "application/problem+json";
  http::Response out(status, type, std::move(body));
  out.headers.add("Idempotency-Replayed", "true");
  return out;
}

}  // namespace

Task<http::Response> execute_once(const Operation& op, Call& call,
                                  Task<http::Response> (*execute)(const Operation&, Call&)) {
  using State = directory::IdempotentStart::State;
  const TraceId trace = call.request.trace;
  const std::string key(call.request.headers.value("Idempotency-Key"));
  if (key.empty() || key.size() > kMaxKey)
    co_return refuse(400, "invalid", "Idempotency-Key must have 1 to 255 bytes",
                     "send a fresh UUID for each act", trace);
  auto& keeper = call.services.administrators;
  const std::string actor = call.actor.label();
  const crypto::Sha256 digest = crypto::sha256(call.request.target + "\n" + call.raw);
  std::string hash(digest.begin(), digest.end());
  auto begun = co_await keeper.begin(actor, key, std::move(hash), call.deadline);
  if (!begun) co_return refuse(begun.error(), trace);
  switch (begun->state) {
    case State::busy:
      co_return refuse(409, "in_progress", "the first request with this Idempotency-Key still runs",
                       "wait, then repeat it", trace);
    case State::mismatch:
      co_return refuse(422, "key_reused", "this Idempotency-Key was used for another request",
                       "send a fresh key for each act", trace);
    case State::done:
      co_return replay(begun->status, std::move(begun->response));
    case State::fresh:
      break;
  }
  http::Response out = co_await execute(op, call);
  // What may succeed later is not an answer to keep.
  auto kept = out.status >= 500 || out.status == 429
                  ? co_await keeper.abandon(actor, key, Deadline::after(seconds(5)))
                  : co_await keeper.finish(actor, key, out.status, without_secret(out.body),
                                           Deadline::after(seconds(5)));
  if (!kept) log::warn("idempotency.lost", {{"trace", trace}, {"err", kept.error()}});
  co_return out;
}

}  // namespace dromos::admind
