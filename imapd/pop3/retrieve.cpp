// RETR and TOP (RFC 1939 §5, §7): the message in pieces, so that neither its size nor a slow client costs
// memory or holds a database connection.
#include "common/log/log.h"
#include "imapd/pop3/protocol/multiline.h"
#include "imapd/pop3/session.h"
#include "imapd/pop3/surrogate.h"

namespace dromos::imapd::pop3 {
namespace {
constexpr uint64_t kPiece = kSurrogateFront;  // a blob's chunk
}

Task<void> Session::retrieve(uint32_t number, std::optional<uint32_t> body_lines) {
  const MessageItem* item = maildrop_.find(number);
  if (item == nullptr) co_return err("", "No such message");
  const auto sent = co_await send_message(*item, body_lines);
  if (!sent && within_response_) {
    // Nothing in POP3 could say that the rest is missing.
    log::error("message.unreadable",
               {{"trace", trace_}, {"account", account()}, {"uid", item->uid}, {"err", sent.error()}});
    broken_ = true;
  } else if (!sent) {
    err(sent.error());
  } else if (!body_lines) {
    maildrop_.mark_read(number);
  }
  within_response_ = false;
}

Task<Result<void>> Session::send_message(const MessageItem& item, std::optional<uint32_t> body_lines) {
  const uint64_t size = item.size;
  const bool at_once = size <= kPiece;
  uint64_t sent_size = 0;
  if (!body_lines && !at_once) {
    SentSizes sizes(worker_, account(), maildrop_, utf8_);
    CO_TRY_VOID(co_await learn(sizes, item));
    sent_size = sizes.of(item);
  }
  MessageLoader loader(worker_, account(), maildrop_.mailbox());
  LoadNeeds needs;
  needs.raw = at_once;
  needs.entry = !needs.raw;
  CO_TRY(auto loaded, co_await loader.load({item.uid}, needs, store_deadline()));
  if (!loaded.front().found) {
    err("", "Another session has deleted this message");
    co_return Result<void>{};
  }
  const LoadedMessage message = std::move(loaded.front());
  CO_TRY(std::string piece, co_await loader.read(message, 0, kPiece, store_deadline()));
  uint64_t read = piece.size();
  if (!utf8_) {
    if (const auto surrogate = surrogate_header(piece))
      piece.replace(0, surrogate->replaced_octets, surrogate->header);
  }
  if (!body_lines && at_once) {
    SentLength length;
    length.feed(piece);
    sent_size = length.total();
  }
  ok(body_lines ? "The top follows" : std::to_string(sent_size) + " octets");
  within_response_ = true;
  DotStuffer stuffer;
  std::optional<TopCutter> cutter;
  if (body_lines) cutter.emplace(*body_lines);
  while (!broken_) {
    stuffer.feed(std::string_view(piece).substr(0, cutter ? cutter->take(piece) : piece.size()), out_);
    co_await flush_some();
    if (read >= size || (cutter && cutter->done())) break;
    CO_TRY(piece, co_await loader.read(message, read, kPiece, store_deadline()));
    if (piece.empty()) co_return fail(Errc::internal, "the message is shorter than its size");
    read += piece.size();
  }
  stuffer.finish(out_);
  co_return Result<void>{};
}

}  // namespace dromos::imapd::pop3
