// Sessions of users in imapd: who is connected, and ending them.
#include "admind/commands/common.h"
#include "admind/service/services.h"
#include "common/base/strings.h"
#include "dromos/sessions/v1/sessions.pb.h"

namespace dromos::admind {

namespace {

constexpr milliseconds kPatience{3000};
namespace v1 = sessions::v1;

json to_json(const v1::Session& session) {
  return {{"id", clean_utf8(session.id())},
          {"account", to_text(AccountId{session.account_id()})},
          {"address", clean_utf8(session.login())},
          {"remote", clean_utf8(session.remote())},
          {"protocol", clean_utf8(session.protocol())},
          {"tls", session.tls()},
          {"state", clean_utf8(session.state())},
          {"since", to_rfc3339(session.since_us())}};
}

Task<Result<AccountId>> account_of(Call& call, std::string login) {
  if (login.empty()) co_return AccountId{};
  CO_TRY(const auto account, co_await call.services.admin.get_account(std::move(login), call.deadline));
  co_return account.id;
}

Task<Result<Reply>> list_sessions(Call& call) {
  CO_TRY(const AccountId account, co_await account_of(call, call.word("account")));
  v1::ListRequest request;
  request.set_account_id(account.value);
  auto answered =
      co_await call.services.peer(config::Daemon::imapd)
          .call<v1::ListResponse>("/dromos.sessions.v1.Sessions/List", request, Deadline::after(kPatience));
  if (!answered) co_return fail(std::move(answered).error().with_context("asking imapd"));
  json items = json::array();
  for (const auto& session : answered->sessions()) items.push_back(to_json(session));
  co_return whole(std::move(items));
}

Task<Result<Reply>> end(Call& call, v1::EndRequest request) {
  auto ended =
      co_await call.services.peer(config::Daemon::imapd)
          .call<v1::EndResponse>("/dromos.sessions.v1.Sessions/End", request, Deadline::after(kPatience));
  if (!ended) co_return fail(std::move(ended).error().with_context("asking imapd"));
  co_return Reply{{{"ended", ended->ended()}}, {}};
}

Task<Result<Reply>> end_session(Call& call) {
  v1::EndRequest request;
  request.set_session_id(call.path("id"));
  co_return co_await end(call, std::move(request));
}

Task<Result<Reply>> end_sessions_of(Call& call) {
  CO_TRY(const AccountId account, co_await account_of(call, call.word("account")));
  v1::EndRequest request;
  request.set_account_id(account.value);
  co_return co_await end(call, std::move(request));
}

Resource make() {
  Resource out{"sessions", "Who is connected to imapd.", {}, {}};
  out.schemas = {{"Session",
                  "A connection of a user.",
                  {text("id", "for ending it").need(), text("account", "account id").need(),
                   text("address", "login").need(), text("remote", "where from").need(),
                   text("protocol", "imap, pop3 or managesieve").need(), boolean("tls", "encrypted").need(),
                   text("state", "what it does").need(), time("since", "connected at").need()}},
                 {"SessionsEnded", "What was done.", {integer("ended", "how many").need()}}};
  auto& ops = out.operations;
  ops.push_back({.id = "listSessions",
                 .path = "/sessions",
                 .scope = "sessions:read",
                 .command = "sessions list",
                 .summary = "List sessions",
                 .query = {text("account", "only of this address").within(3, 320)},
                 .response = "Session",
                 .list = true,
                 .problems = {404},
                 .run = list_sessions});
  ops.push_back({.id = "endSession",
                 .method = http::Method::delete_,
                 .path = "/sessions/{id}",
                 .scope = "sessions:write",
                 .command = "sessions end ID",
                 .summary = "End a session",
                 .response = "SessionsEnded",
                 .run = end_session,
                 .announces = false});
  ops.push_back({.id = "endSessionsOf",
                 .method = http::Method::delete_,
                 .path = "/sessions",
                 .scope = "sessions:write",
                 .command = "sessions end-all",
                 .summary = "End all sessions of an account",
                 .query = {text("account", "of this address").need().within(3, 320)},
                 .response = "SessionsEnded",
                 .problems = {404},
                 .run = end_sessions_of,
                 .announces = false});
  return out;
}

}  // namespace

Resource sessions() {
  return make();
}

}  // namespace dromos::admind
