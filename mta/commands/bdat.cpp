// BDAT (RFC 3030 §2). The octets of a chunk follow the command whatever we think of it, so they are always
// read; a chunk too absurd to read ends the session.
#include "mta/commands/commands.h"

namespace dromos::mta::commands {
namespace {

/// Chunks that are refused but still read.
constexpr uint64_t kMaxDiscard = 256ULL << 20;

Task<void> discard(Session& session, const smtp::Bdat& bdat, smtp::Reply reply) {
  if (bdat.size > kMaxDiscard) {
    session.close_with({421, {4, 3, 4}, "Chunk is too large to skip"});
    co_return;
  }
  smtp::BdatDecoder decoder(0);
  decoder.begin(bdat.size, bdat.last);
  const bool eaten = co_await session.read_chunk(decoder, false);
  if (eaten) session.refuse(reply);
}

}  // namespace

Task<void> run(Session& session, const smtp::Bdat& bdat) {
  Transaction& transaction = session.transaction;
  if (!transaction.mail) co_return co_await discard(session, bdat, {503, {5, 5, 1}, "Give MAIL FROM first"});
  if (transaction.recipients.empty())
    co_return co_await discard(session, bdat, {554, {5, 5, 1}, "No valid recipients"});
  if (transaction.bdat_failed)
    co_return co_await discard(session, bdat, {503, {5, 5, 1}, "A chunk was refused: RSET first"});

  const uint64_t limit = session.settings().limits.message_size.bytes;
  if (!transaction.bdat) transaction.bdat.emplace(limit);
  smtp::BdatDecoder& decoder = *transaction.bdat;
  if (bdat.size > limit || decoder.size() + bdat.size > limit) {
    transaction.bdat_failed = true;
    co_return co_await discard(
        session, bdat, {552, {5, 3, 4}, "Message is larger than " + std::to_string(limit) + " bytes"});
  }
  decoder.begin(bdat.size, bdat.last);
  if (!co_await session.read_chunk(decoder, true)) co_return;
  if (bdat.last) {
    const smtp::ContentFaults faults = decoder.faults();
    co_return co_await session.finish_message(faults);
  }
  session.reply(250, {2, 0, 0}, std::to_string(bdat.size) + " octets received");
}

}  // namespace dromos::mta::commands
