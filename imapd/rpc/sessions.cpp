#include "imapd/rpc/sessions.h"

#include "dromos/sessions/v1/sessions.pb.h"

namespace dromos::imapd {
namespace {

namespace pb = dromos::sessions::v1;

Task<Result<pb::ListResponse>> list(SessionsBackend backend, int64_t account) {
  pb::ListResponse response;
  const auto sessions = co_await backend.list(AccountId{account});
  for (const SessionInfo& info : sessions) {
    pb::Session& session = *response.add_sessions();
    session.set_id(info.id);
    session.set_account_id(info.account.value);
    session.set_login(info.login);
    session.set_remote(info.remote);
    session.set_protocol(info.protocol);
    session.set_tls(info.tls);
    session.set_state(info.state);
    session.set_since_us(info.since_us);
  }
  co_return response;
}

Task<Result<pb::EndResponse>> end(SessionsBackend backend, int64_t account, std::string id) {
  if (account == 0 && id.empty()) co_return fail(Errc::invalid_argument, "name an account or a session");
  pb::EndResponse response;
  response.set_ended(co_await backend.end(AccountId{account}, std::move(id)));
  co_return response;
}

}  // namespace

void serve_sessions(rpc::Server& server, SessionsBackend backend) {
  server.add("/dromos.sessions.v1.Sessions/List", {"admind"},
             rpc::unary<pb::ListRequest, pb::ListResponse>(
                 [backend](const rpc::CallInfo&, const pb::ListRequest& request) {
                   return list(backend, request.account_id());
                 }));
  server.add("/dromos.sessions.v1.Sessions/End", {"admind"},
             rpc::unary<pb::EndRequest, pb::EndResponse>(
                 [backend](const rpc::CallInfo&, const pb::EndRequest& request) {
                   return end(backend, request.account_id(), request.session_id());
                 }));
}

}  // namespace dromos::imapd
