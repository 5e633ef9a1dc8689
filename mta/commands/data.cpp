// DATA (RFC 5321 §4.1.1.4).
#include "mta/commands/commands.h"

namespace dromos::mta::commands {

Task<void> run(Session& session, const smtp::Data&) {
  Transaction& transaction = session.transaction;
  if (!transaction.mail) co_return session.refuse(503, {5, 5, 1}, "Give MAIL FROM first");
  if (transaction.bdat) co_return session.refuse(503, {5, 5, 1}, "DATA and BDAT do not mix");
  if (transaction.recipients.empty()) {
    // RFC 2033 §4.2 asks for 503 in LMTP; RFC 5321 §3.3 allows both.
    co_return session.refuse(session.is_lmtp() ? 503 : 554, {5, 5, 1}, "No valid recipients");
  }
  session.reply(smtp::Reply(354, "End the message with <CR><LF>.<CR><LF>"));
  smtp::DataDecoder decoder(session.settings().limits.message_size.bytes);
  if (!co_await session.read_data(decoder)) co_return;
  co_await session.finish_message(decoder.faults());
}

}  // namespace dromos::mta::commands
