// HELO, EHLO (RFC 5321 §4.1.1.1) and LHLO (RFC 2033 §4.1): names the client, lists what works here.
#include "common/base/strings.h"
#include "mta/commands/commands.h"

namespace dromos::mta::commands {
namespace {

// Clients on GNU SASL before or without its tls-exporter (mutt and neomutt of Debian 12) choose -PLUS
// wherever they see it, have no channel binding to give, and do not try another mechanism: they could not
// send. They keep the last AUTH line of the reply, so a second one goes without -PLUS. Clients that gather
// all lines, or keep the first, see everything.
void add_auth_lines(smtp::Reply& reply, std::vector<std::string> mechanisms) {
  if (mechanisms.empty()) return;
  reply.lines.push_back("AUTH " + join(mechanisms, " "));
  if (std::erase_if(mechanisms, [](const auto& name) { return name.ends_with("-PLUS"); }) != 0)
    reply.lines.push_back("AUTH " + join(mechanisms, " "));
}

}  // namespace

Task<void> run(Session& session, const smtp::Hello& hello) {
  const bool lhlo = hello.kind == smtp::Greeting::lhlo;
  if (lhlo != session.is_lmtp()) {
    session.refuse(500, {5, 5, 1}, session.is_lmtp() ? "This is LMTP: say LHLO" : "This is SMTP: say EHLO");
    co_return;
  }
  session.reset_transaction();
  session.greeted = true;
  session.peer.helo = hello.name;
  session.peer.esmtp = hello.kind != smtp::Greeting::helo;
  const auto& settings = session.settings();
  if (!session.peer.esmtp) {
    session.reply(smtp::Reply(250, settings.hostname));
    co_return;
  }
  smtp::Reply reply(250, settings.hostname);
  reply.lines.push_back("PIPELINING");
  reply.lines.push_back("SIZE " + std::to_string(settings.limits.message_size.bytes));
  if (!session.peer.tls && session.backend().tls(session.settings().kind)) reply.lines.push_back("STARTTLS");
  if (!session.user) add_auth_lines(reply, auth_mechanisms(session));
  for (const char* keyword : {"8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES", "DSN"})
    reply.lines.push_back(keyword);
  session.reply(reply);
}

}  // namespace dromos::mta::commands
