#include "admind/api/identify.h"

#include "admind/service/services.h"
#include "common/directory/errc.h"
#include "common/http/auth.h"

namespace dromos::admind {

namespace {

Task<Result<Actor>> by_key(Services& services, std::string token, std::string remote, Deadline deadline) {
  CO_TRY(auto owner, co_await services.directory.api_key(std::move(token), std::move(remote), deadline));
  Actor actor;
  actor.kind = owner.administrator_id != 0 ? Actor::Kind::administrator : Actor::Kind::account;
  actor.name = std::move(owner.owner);
  actor.role = std::move(owner.role);
  actor.account = owner.account;
  actor.key_id = owner.key_id;
  actor.scopes = std::move(owner.scopes);
  co_return actor;
}

Task<Result<Actor>> by_password(Services& services, http::BasicCredentials given, std::string remote,
                                Deadline deadline) {
  Actor actor;
  actor.scopes = {"*"};
  if (given.user.find('@') == std::string::npos) {
    CO_TRY(auto found,
           co_await services.administrators.authenticate(given.user, given.password, remote, deadline));
    actor.kind = Actor::Kind::administrator;
    actor.name = std::move(found.name);
    actor.role = std::move(found.role);
    co_return actor;
  }
  // No app password has this scope, so that a stolen one cannot change the real one.
  CO_TRY(auto found,
         co_await services.directory.authenticate(given.user, given.password, "self", remote, deadline));
  actor.kind = Actor::Kind::account;
  actor.name = std::move(found.login);
  actor.account = found.account;
  co_return actor;
}

}  // namespace

Task<Result<Actor>> identify(Services& services, const http::Request& request, Deadline deadline) {
  const auto header = request.headers.get("Authorization");
  if (!header) co_return Actor{};
  auto given = http::parse_authorization(*header);
  if (auto* bearer = std::get_if<http::BearerToken>(&given))
    co_return co_await by_key(services, std::move(bearer->token), request.peer.ip(), deadline);
  if (auto* basic = std::get_if<http::BasicCredentials>(&given))
    co_return co_await by_password(services, std::move(*basic), request.peer.ip(), deadline);
  co_return fail(directory::Errc::bad_credentials, "the Authorization header is neither Bearer nor Basic");
}

}  // namespace dromos::admind
