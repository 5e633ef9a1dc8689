// MAIL (RFC 5321 §4.1.1.2) with SIZE (RFC 1870 §6), SMTPUTF8 (RFC 6531 §3.5), DSN (RFC 3461 §4).
#include "common/smtp/errc.h"
#include "mta/commands/commands.h"

namespace dromos::mta::commands {
namespace {

// A submitter writes in its own name or in one it was given (RFC 6409 §6.1).
Task<std::optional<smtp::Reply>> check_sender(Session& session, const smtp::MailFrom& mail) {
  if (!session.user || !mail.from) co_return std::nullopt;
  const auto allowed = co_await session.backend().may_send_as(session.user->account, mail.from->to_string());
  if (!allowed) {
    session.log().warn("sender.check_failed", {{"err", allowed.error()}});
    co_return smtp::Reply(451, {4, 3, 0}, "Temporary failure, please try later");
  }
  if (!*allowed)
    co_return smtp::Reply(553, {5, 7, 1}, "<" + mail.from->shown() + ">: not an address of this account");
  co_return std::nullopt;
}

}  // namespace

Task<void> run(Session& session, const smtp::MailFrom& mail) {
  const auto& settings = session.settings();
  if (!session.greeted)
    co_return session.refuse(503, {5, 5, 1}, session.is_lmtp() ? "Say LHLO first" : "Say EHLO first");
  if (session.transaction.mail) co_return session.refuse(503, {5, 5, 1}, "Sender already given");
  if (settings.kind == Kind::submission && !session.user)
    co_return session.refuse(530, {5, 7, 0}, "Authentication required");
  if (mail.from && mail.from->given_non_ascii() && !mail.smtputf8)
    co_return session.refuse(
        smtp::reply_for(Error(smtp::Errc::utf8_not_requested, "address needs SMTPUTF8")));
  if (mail.size.value_or(0) > settings.limits.message_size.bytes)
    co_return session.reply(
        552, {5, 3, 4},
        "Message is larger than " + std::to_string(settings.limits.message_size.bytes) + " bytes");
  auto content = session.backend().new_spool();
  if (!content->has_room(mail.size.value_or(1)))
    co_return session.reply(452, {4, 3, 1}, "Too much mail in flight, please try later");
  auto refusal = co_await check_sender(session, mail);
  if (refusal) {
    session.note_refusal("sender.refused", *refusal);
    co_return session.refuse(*refusal);
  }
  session.transaction.trace = TraceId::make();
  session.transaction.mail = mail;
  session.transaction.content = std::move(content);
  session.reply(250, {2, 1, 0}, "Ok");
}

}  // namespace dromos::mta::commands
