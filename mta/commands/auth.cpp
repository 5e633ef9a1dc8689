// AUTH (RFC 4954): PLAIN, LOGIN, SCRAM with channel binding and EXTERNAL, against the directory.
#include "common/base/strings.h"
#include "common/directory/errc.h"
#include "common/sasl/framing.h"
#include "common/sasl/server.h"
#include "mta/commands/commands.h"
#include "mta/service/metrics.h"

namespace dromos::mta::commands {
namespace {

sasl::ServerOptions options_of(Session& session) {
  sasl::ServerOptions options;
  options.tls = session.peer.tls;
  options.scram_sha1 = true;
  options.announce_plus = session.settings().announce_plus;
  if (session.peer.tls) {
    const net::Stream& stream = session.stream();
    if (auto exporter = stream.channel_binding_exporter(); !exporter.empty())
      options.bindings.push_back({"tls-exporter", std::move(exporter)});
    if (auto end_point = stream.channel_binding_server_end_point(); !end_point.empty())
      options.bindings.push_back({"tls-server-end-point", std::move(end_point)});
    // Only of a certificate that tls.client_ca vouches for.
    const net::TlsInfo tls = stream.tls_info();
    options.external_authcid = tls.client_email.empty() ? tls.client_name : tls.client_email;
  }
  return options;
}

bool is_offered(const Session& session) {
  return session.settings().kind == Kind::submission && session.peer.tls;
}

smtp::Reply reply_of(const Error& error) {
  if (error.is(sasl::Errc::cancelled)) return {501, {5, 7, 0}, "Authentication cancelled"};
  if (error.is(sasl::Errc::malformed)) return {501, {5, 5, 2}, "Malformed authentication response"};
  if (error.is(directory::Errc::throttled)) return {454, {4, 7, 0}, "Too many failed logins, try later"};
  if (error.may_retry()) return {454, {4, 7, 0}, "Temporary authentication failure"};
  return {535, {5, 7, 8}, "Authentication failed"};
}

// One exchange: the mechanism's wishes answered by client and directory until it is Done.
class Exchange {
 public:
  explicit Exchange(Session& session) : session_(session) {}

  Task<Result<directory::Identity>> run(sasl::ServerMechanism& mechanism,
                                        std::optional<std::string> initial) {
    sasl::Step step = initial ? mechanism.step(std::string_view(*initial)) : mechanism.step(std::nullopt);
    while (true) {
      if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) {
        CO_TRY(const std::string answer, co_await ask(challenge->bytes));
        step = mechanism.step(std::string_view(answer));
      } else if (const auto* password = std::get_if<sasl::NeedPassword>(&step)) {
        CO_TRY_VOID(check_authzid(password->authcid, password->authzid));
        CO_TRY(identity_, co_await session_.backend().check_password(password->authcid, password->password,
                                                                     session_.peer.ip));
        step = mechanism.password_result(true);
      } else if (const auto* scram = std::get_if<sasl::NeedScram>(&step)) {
        CO_TRY_VOID(check_authzid(scram->authcid, scram->authzid));
        login_ = scram->authcid;
        CO_TRY(scram_, co_await session_.backend().scram_login(login_, scram->hash, session_.peer.ip));
        step = mechanism.scram_credentials(scram_->verifier);
      } else if (const auto* external = std::get_if<sasl::NeedExternal>(&step)) {
        CO_TRY_VOID(check_authzid(external->authcid, external->authzid));
        CO_TRY(identity_, co_await session_.backend().certificate_login(external->authcid));
        step = mechanism.external_result(true);
      } else if (std::holds_alternative<sasl::Done>(step)) {
        co_return finish(true);
      } else {
        const auto* failed = std::get_if<sasl::Failed>(&step);
        if (failed != nullptr && !failed->reason.empty())
          session_.log().info("auth.reason", {{"err", failed->reason}});
        const auto refused = finish(false);
        const sasl::Errc code = failed != nullptr ? failed->code : sasl::Errc::mechanism;
        if (!refused && code == sasl::Errc::bad_credentials) co_return fail(refused.error());
        co_return fail(code, "exchange failed");
      }
    }
  }

 private:
  // Acting for others is a right that nobody has yet.
  static Result<void> check_authzid(std::string_view authcid, std::string_view authzid) {
    if (authzid.empty() || iequals(authcid, authzid)) return {};
    return fail(sasl::Errc::bad_credentials, "acting for another is not allowed");
  }

  Task<Result<std::string>> ask(std::string_view challenge) {
    session_.reply(smtp::Reply(334, base64(challenge)));
    const auto line = co_await session_.next_line();
    if (!line) co_return fail(Errc::closed, "connection ended during authentication");
    co_return sasl::decode_response(*line);
  }

  Result<directory::Identity> finish(bool ok) {
    if (scram_) return session_.backend().scram_finished(*scram_, ok, login_, session_.peer.ip);
    if (!ok || !identity_) return fail(sasl::Errc::bad_credentials, "authentication failed");
    return *identity_;
  }

  Session& session_;
  std::optional<directory::Identity> identity_;
  std::optional<directory::ScramLogin> scram_;
  std::string login_;
};

}  // namespace

std::vector<std::string> auth_mechanisms(Session& session) {
  if (!is_offered(session)) return {};
  return sasl::offered_mechanisms(options_of(session));
}

Task<void> run(Session& session, const smtp::Auth& auth) {
  if (session.settings().kind != Kind::submission)
    co_return session.refuse(502, {5, 5, 1}, "Authentication is for the submission ports");
  if (!session.greeted) co_return session.refuse(503, {5, 5, 1}, "Say EHLO first");
  if (session.user) co_return session.refuse(503, {5, 5, 1}, "Already authenticated");
  if (session.transaction.mail) co_return session.refuse(503, {5, 5, 1}, "Not during a mail transaction");
  if (!is_offered(session))
    co_return session.refuse(538, {5, 7, 11}, "Encryption required for authentication: STARTTLS first");
  const auto mechanism = sasl::make_server(auth.mechanism, options_of(session));
  if (!mechanism) co_return session.refuse(504, {5, 5, 4}, "Unrecognized authentication mechanism");

  std::optional<std::string> initial;
  if (auth.initial) {
    auto decoded = sasl::decode_initial(*auth.initial);
    if (!decoded) co_return session.refuse(reply_of(decoded.error()));
    initial = std::move(*decoded);
  }
  Exchange exchange(session);
  auto identity = co_await exchange.run(*mechanism, std::move(initial));
  if (!identity) {
    const smtp::Reply reply = reply_of(identity.error());
    metrics::logins(reply.temporary() ? "deferred" : "refused").add();
    session.log().info("auth.failed", {{"mechanism", auth.mechanism}, {"err", identity.error()}});
    session.note_refusal("auth.refused", reply);
    co_return session.refuse(reply);
  }
  metrics::logins("accepted").add();
  session.log().set("account", identity->account);
  session.log().info("auth.accepted", {{"mechanism", auth.mechanism}, {"login", identity->login}});
  session.user = std::move(*identity);
  session.reply(235, {2, 7, 0}, "Authentication successful");
}

}  // namespace dromos::mta::commands
