// RCPT (RFC 5321 §4.1.1.3): is there such a mailbox, and may this client send there.
#include "common/smtp/errc.h"
#include "mta/commands/commands.h"

namespace dromos::mta::commands {
namespace {

/// Wrong addresses in one session, per permitted error, before it looks like a dictionary.
constexpr uint32_t kUnknownPerError = 5;

smtp::Reply refusal_of(directory::Reject reject) {
  using directory::Reject;
  switch (reject) {
    case Reject::not_local:
      return {550, {5, 7, 1}, "Relaying denied"};
    case Reject::disabled:
      return {550, {5, 2, 1}, "Mailbox is disabled"};
    case Reject::domain_disabled:
      return {550, {5, 1, 2}, "Domain is disabled"};
    case Reject::too_deep:
      return {550, {5, 4, 6}, "Aliases of this address go in circles"};
    case Reject::too_many:
      return {550, {5, 5, 3}, "This address expands to too many"};
    case Reject::no_target:
      return {550, {5, 1, 1}, "This address leads nowhere"};
    case Reject::none:
    case Reject::unknown:
      break;
  }
  return {550, {5, 1, 1}, "No such mailbox here"};
}

std::string_view parent_of(std::string_view domain) {
  const size_t dot = domain.find('.');
  return dot == std::string_view::npos ? domain : domain.substr(dot + 1);
}

Task<Result<directory::RecipientResolution>> resolve(Session& session, const smtp::Mailbox& to) {
  if (!to.is_bare_postmaster()) co_return co_await session.backend().resolve(to.local, to.domain);
  // RFC 5321 §4.1.1.3: <postmaster> without domain is ours, whatever we are called.
  const std::string& host = session.settings().hostname;
  CO_TRY(auto own, co_await session.backend().resolve("postmaster", host));
  if (own.accepted()) co_return own;
  co_return co_await session.backend().resolve("postmaster", std::string(parent_of(host)));
}

bool may_relay(const Session& session) {
  return session.user.has_value();
}

}  // namespace

Task<void> run(Session& session, const smtp::RcptTo& rcpt) {
  Transaction& transaction = session.transaction;
  if (!transaction.mail) co_return session.refuse(503, {5, 5, 1}, "Give MAIL FROM first");
  if (transaction.bdat) co_return session.refuse(503, {5, 5, 1}, "The message is already coming in");
  if (transaction.recipients.size() >= session.settings().limits.recipients)
    co_return session.reply(452, {4, 5, 3}, "Too many recipients, send the others separately");
  if (rcpt.to.given_non_ascii() && !transaction.mail->smtputf8)
    co_return session.refuse(
        smtp::reply_for(Error(smtp::Errc::utf8_not_requested, "address needs SMTPUTF8")));

  auto resolution = co_await resolve(session, rcpt.to);
  if (!resolution) {
    session.log().warn("recipient.check_failed", {{"to", rcpt.to.shown()}, {"err", resolution.error()}});
    co_return session.reply(451, {4, 3, 0}, "Temporary failure, please try later");
  }
  if (resolution->reject == directory::Reject::not_local && may_relay(session)) {
    directory::Recipient remote;
    remote.address = rcpt.to.to_string();
    resolution->targets.assign(1, std::move(remote));
    resolution->reject = directory::Reject::none;
  }
  if (!resolution->accepted()) {
    smtp::Reply reply = refusal_of(resolution->reject);
    reply.lines[0] = "<" + rcpt.to.shown() + ">: " + reply.lines[0];
    session.note_refusal("recipient.refused", reply, rcpt.to.shown());
    session.reply(reply);
    if (++session.unknown_recipients >= session.settings().limits.errors * kUnknownPerError)
      session.close_with({421, {4, 7, 0}, "Too many unknown recipients, closing the connection"});
    co_return;
  }
  transaction.recipients.push_back({rcpt, std::move(resolution->targets)});
  session.reply(250, {2, 1, 5}, "Ok");
}

}  // namespace dromos::mta::commands
