// LOGIN (RFC 9051 §6.2.3) and STARTTLS (§6.2.1).
#include "common/metrics/metrics.h"
#include "imapd/commands/auth.h"
#include "imapd/commands/handlers.h"

namespace dromos::imapd {

Handled handle_login(Context& context, const Command& command) {
  if (!may_send_password(context)) co_return no(code::kPrivacyRequired, "Use STARTTLS first");
  const auto& login = command.as<LoginCommand>();
  auto who = co_await context.worker.directory.authenticate(
      login.user, login.password, "imap", context.stream.peer().ip(), Deadline::after(seconds(60)));
  if (!who) co_return refuse_login(context, "LOGIN", login.user, who.error());
  co_return admit(context, std::move(*who));
}

// The answer must be sent in the clear before the handshake begins, so this handler writes it itself: an
// empty text says so.
Handled handle_start_tls(Context& context, const Command& command) {
  if (!may_start_tls(context)) co_return bad("TLS is not possible here");
  const auto tls = context.worker.options.tls();
  if (!tls) co_return no(code::kUnavailable, "There is no certificate");
  context.out.ok(command.tag, "Begin TLS negotiation");
  const bool sent = co_await context.flush();
  if (!sent) co_return ok("");
  const auto secured = co_await context.stream.start_tls_server(tls, Deadline::after(seconds(30)));
  if (!secured) context.broken = true;
  co_return ok("");
}

}  // namespace dromos::imapd
