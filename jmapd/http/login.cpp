#include "jmapd/http/login.h"

#include "common/http/auth.h"
#include "common/http/problem.h"
#include "common/log/log.h"

namespace dromos::jmapd {
namespace {

constexpr milliseconds kLoginTime{20'000};

http::Response refusal(const Error& error) {
  using directory::Errc;
  if (error.is(Errc::throttled) || error.is(Errc::busy))
    return http::problem(429, "too many attempts to log in; try again later");
  const bool denied = error.is(Errc::bad_credentials) || error.is(Errc::disabled) || error.is(Errc::scope) ||
                      error.is(Errc::invalid_address);
  if (!denied) return http::problem(503, "logging in is not possible at the moment");
  http::Response out = http::problem(401, "authentication failed");
  out.headers.add("WWW-Authenticate", http::basic_challenge("Dromos"));
  out.headers.add("WWW-Authenticate", http::bearer_challenge("Dromos"));
  return out;
}

tl::unexpected<http::Response> refuse_login(const http::Request& request, const Error& error) {
  log::info("login.failed", {{"remote", request.peer.ip()}, {"trace", request.trace}, {"err", error}});
  return tl::unexpected<http::Response>(refusal(error));
}

Error denied(const char* why) {
  return Error(directory::Errc::bad_credentials, why);
}

}  // namespace

Task<tl::expected<Login, http::Response>> log_in(Services& services, http::Request& request) {
  const Deadline deadline = Deadline::after(kLoginTime);
  const auto authorization = http::parse_authorization(request.headers.value("Authorization"));
  const std::string remote = request.peer.ip();
  if (const auto* basic = std::get_if<http::BasicCredentials>(&authorization)) {
    auto identity =
        co_await services.directory.authenticate(basic->user, basic->password, "jmap", remote, deadline);
    if (!identity) co_return refuse_login(request, identity.error());
    co_return Login{identity->account, identity->login};
  }
  if (const auto* bearer = std::get_if<http::BearerToken>(&authorization)) {
    auto owner = co_await services.directory.api_key(bearer->token, remote, deadline);
    if (!owner) co_return refuse_login(request, owner.error());
    if (!owner->account || !owner->may_use("jmap"))
      co_return refuse_login(request, Error(directory::Errc::scope, "the key is not for jmap"));
    co_return Login{owner->account, owner->owner};
  }
  // Not an attempt: browsers ask without credentials first.
  co_return tl::unexpected<http::Response>(refusal(denied("no credentials")));
}

}  // namespace dromos::jmapd
