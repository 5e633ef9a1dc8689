// The verbs of a line or two: RSET, NOOP, QUIT, HELP, VRFY, EXPN (RFC 5321 §4.1.1.5-10), STARTTLS (RFC 3207).
#include "mta/commands/commands.h"

namespace dromos::mta::commands {

Task<void> run(Session& session, const smtp::Rset&) {
  session.reset_transaction();
  session.reply(250, {2, 0, 0}, "Ok");
  co_return;
}

Task<void> run(Session& session, const smtp::Noop&) {
  session.reply(250, {2, 0, 0}, "Ok");
  co_return;
}

Task<void> run(Session& session, const smtp::Quit&) {
  session.close_with({221, {2, 0, 0}, "Bye"});
  co_return;
}

Task<void> run(Session& session, const smtp::Help&) {
  session.reply(214, {2, 0, 0}, "See RFC 5321; write to postmaster for help");
  co_return;
}

// RFC 5321 §7.3: whether an address exists is told to RCPT only.
Task<void> run(Session& session, const smtp::Vrfy&) {
  session.reply(252, {2, 5, 0}, "Send mail and see");
  co_return;
}

Task<void> run(Session& session, const smtp::Expn&) {
  session.refuse(502, {5, 5, 1}, "Lists are not shown");
  co_return;
}

Task<void> run(Session& session, const smtp::StartTls&) {
  if (session.peer.tls) co_return session.refuse(503, {5, 5, 1}, "TLS is already active");
  if (!session.backend().tls(session.settings().kind))
    co_return session.refuse(502, {5, 5, 1}, "TLS is not available");
  if (!session.greeted) co_return session.refuse(503, {5, 5, 1}, "Say EHLO first");
  session.reply(220, {2, 0, 0}, "Go ahead");
  co_await session.upgrade_tls();
}

}  // namespace dromos::mta::commands
