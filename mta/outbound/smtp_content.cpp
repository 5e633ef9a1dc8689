// SmtpClient: the content of a transaction, by DATA or BDAT (RFC 3030), and the replies that end it: one, or
// with LMTP one for each accepted recipient (RFC 2033 §4.2).
#include <algorithm>

#include "common/base/fault.h"
#include "common/smtp/data_encoder.h"
#include "mta/outbound/smtp_client.h"

namespace dromos::mta {
namespace {

using smtp::Reply;

constexpr size_t kFlushBytes = 64 * 1024;

Task<Result<void>> append(std::string* to, size_t limit, std::string_view piece) {
  if (to->size() + piece.size() > limit)
    co_return fail(Errc::limit_exceeded, "the message is longer than it was", Retry::temporary);
  to->append(piece);
  co_return Result<void>{};
}

std::string chunk_of(std::string_view bytes, bool last) {
  std::string out = "BDAT " + std::to_string(bytes.size()) + (last ? " LAST\r\n" : "\r\n");
  out += bytes;
  return out;
}

}  // namespace

Task<void> SmtpClient::by_data(Sending& sending) {
  if (!co_await envelope(sending, "DATA\r\n", Stage::mail)) co_return;
  if (!capabilities_.pipelining) {
    stream_->write("DATA\r\n");
    auto flushed = co_await stream_->flush(Deadline::after(options_.timeouts.data));
    if (!flushed) {
      sending.decide(broken(Stage::data, flushed.error()));
      co_return;
    }
  }
  auto data = co_await read_reply(options_.timeouts.data);
  if (!data) {
    sending.decide(broken(Stage::data, data.error()));
    co_return;
  }
  if (data->code == 354 && sending.taken.empty()) {
    // It wants content although nobody is to get it (RFC 2920 §3.1): give it none. LMTP has no reply to that.
    if (options_.lmtp) usable_ = false;
    if (!usable_) co_return;
    auto empty = co_await command(".", options_.timeouts.final_dot);
    if (!empty) usable_ = false;
    co_return;
  }
  if (data->code != 354) {
    SendVerdict verdict = stamped(verdict_of(Stage::data, *data));
    if (verdict.fate == Fate::delivered) verdict.fate = Fate::deferred;  // 2xx to DATA means nothing
    sending.decide(verdict);
    co_return;
  }
  co_await finish_data(sending);
}

/// The whole transaction in one write: a round trip instead of two.
Task<void> SmtpClient::by_one_chunk(Sending& sending) {
  std::string raw;
  if (sending.held) {
    raw = *sending.held;
  } else {
    std::function<Task<Result<void>>(std::string_view)> keep = [&raw](std::string_view piece) {
      return append(&raw, kAtOnce, piece);
    };
    const auto read = co_await sending.message.body(keep);
    if (!read) {  // nothing was sent: the connection stays good
      sending.ended = true;
      SendVerdict verdict = stamped(verdict_of(read.error()));
      verdict.other_host = false;
      sending.decide(verdict);
      co_return;
    }
  }
  std::string content;
  smtp::DataEncoder encoder(smtp::DataEncoder::Dots::none);
  encoder.feed(raw, content);
  encoder.finish(content);
  const auto held = co_await lease_held(sending.message);
  if (!held) {
    sending.ended = true;
    sending.decide(stamped(verdict_of(held.error())));
    co_return;
  }
  if (!co_await envelope(sending, chunk_of(content, true), Stage::final_dot)) co_return;
  auto reply = co_await read_reply(options_.timeouts.final_dot);
  if (!reply) {
    sending.decide(broken(Stage::final_dot, reply.error()));
    co_return;
  }
  if (sending.taken.empty()) co_return;
  // Announced by some box in between that does not let it pass.
  sending.by_data = reply->code >= 500 && reply->code <= 504;
  if (sending.by_data) co_return;
  sending.ended = reply->positive();  // else RSET: the chunk counts as an open transaction (RFC 3030 §2)
  for (const size_t i : sending.taken) final_reply(sending.verdicts[i], *reply);
}

/// Sends one chunk of binary content and hears what the server thinks of it.
Task<Result<void>> SmtpClient::chunk(std::string bytes, bool last, std::optional<Reply>& refusal) {
  const milliseconds wait = options_.timeouts.block;
  CO_TRY_VOID(co_await stream_->write_all(chunk_of(bytes, last), Deadline::after(wait)));
  if (last) co_return Result<void>{};  // its reply is the final one
  CO_TRY(Reply reply, co_await read_reply(wait));
  if (reply.code >= 200 && reply.code < 300) co_return Result<void>{};
  refusal = std::move(reply);
  co_return fail(Errc::cancelled, "chunk refused");
}

Task<void> SmtpClient::by_chunks(Sending& sending) {
  if (!co_await envelope(sending, "", Stage::mail)) co_return;
  std::string pending;
  std::optional<Reply> refusal;
  bool lost = false;
  // Chunks go out while the body comes in; the last is kept back until the lease is sure.
  const auto on_piece = [](SmtpClient* self, std::string* kept, std::optional<Reply>* no, bool* broke,
                           std::string_view piece) -> Task<Result<void>> {
    kept->append(piece);
    if (kept->size() < kChunk) co_return Result<void>{};
    auto sent = co_await self->chunk(std::exchange(*kept, {}), false, *no);
    if (!sent && !*no) *broke = true;
    co_return sent;
  };
  std::function<Task<Result<void>>(std::string_view)> take = [&](std::string_view piece) {
    return on_piece(this, &pending, &refusal, &lost, piece);
  };
  auto read = co_await read_body(sending, take);
  if (refusal) {
    sending.decide(stamped(verdict_of(Stage::data, *refusal)));
    co_return;
  }
  if (read) read = co_await lease_held(sending.message);
  if (!read) {
    co_await content_failed(sending, std::move(read).error(), !lost);
    co_return;
  }
  const auto sent = co_await chunk(std::move(pending), true, refusal);
  if (!sent) {
    co_await content_failed(sending, sent.error(), false);
    co_return;
  }
  co_await final_replies(sending);
}

Task<Result<void>> SmtpClient::lease_held(const OutboundMessage& message) {
  fault::hit("outbound.before_dot");
  if (!message.before_dot) co_return Result<void>{};
  auto held = co_await message.before_dot();
  if (!held || !*held)
    co_return fail(Errc::cancelled, "the lease was lost before the final dot", Retry::temporary);
  co_return Result<void>{};
}

Task<Result<void>> SmtpClient::read_body(Sending& sending,
                                         std::function<Task<Result<void>>(std::string_view)> on_piece) {
  if (sending.held) co_return co_await on_piece(*sending.held);
  co_return co_await sending.message.body(std::move(on_piece));
}

/// `ours`: it was not the connection that failed but reading the body, or the lease.
Task<Result<void>> SmtpClient::send_content(Sending& sending, bool& ours) {
  smtp::DataEncoder encoder;
  const milliseconds wait = options_.timeouts.block;
  std::function<Task<Result<void>>(std::string_view)> on_piece = [&](std::string_view piece) {
    return write_piece(encoder, piece, wait);
  };
  auto read = co_await read_body(sending, on_piece);
  if (!read) {
    // The database or the connection: in both cases the dot must not be sent.
    ours = stream_->is_open() && !content_lost_;
    co_return Unexpected(std::move(read).error().with_context("sending content"));
  }
  CO_TRY_VOID(co_await stream_->flush(Deadline::after(wait)));
  const auto held = co_await lease_held(sending.message);
  if (!held) {
    ours = true;
    co_return Unexpected(held.error());
  }
  encoder.finish(stream_->out());
  co_return co_await stream_->flush(Deadline::after(wait));
}

Task<Result<void>> SmtpClient::write_piece(smtp::DataEncoder& encoder, std::string_view piece,
                                           milliseconds wait) {
  while (!piece.empty()) {
    const std::string_view some = piece.substr(0, kFlushBytes);
    encoder.feed(some, stream_->out());
    piece.remove_prefix(some.size());
    if (stream_->out().size() < kFlushBytes) continue;
    auto flushed = co_await stream_->flush(Deadline::after(wait));
    if (!flushed) {
      content_lost_ = true;
      co_return flushed;
    }
  }
  co_return Result<void>{};
}

/// In the middle of content only an end of the connection says that it is not complete.
Task<void> SmtpClient::content_failed(Sending& sending, Error error, bool ours) {
  // A server that had enough often says why before it closes.
  std::optional<Reply> last_words;
  if (!ours && error.is(Errc::closed)) {
    auto reply = co_await read_reply(seconds(1));
    if (reply && (reply->permanent() || reply->temporary())) last_words = std::move(*reply);
  }
  SendVerdict verdict =
      last_words ? stamped(verdict_of(Stage::data, *last_words)) : broken(Stage::data, error);
  if (ours) verdict.other_host = false;
  usable_ = false;
  stream_->close();
  sending.decide(verdict);
}

Task<void> SmtpClient::finish_data(Sending& sending) {
  bool ours = false;
  const auto sent = co_await send_content(sending, ours);
  if (!sent) {
    co_await content_failed(sending, sent.error(), ours);
    co_return;
  }
  co_await final_replies(sending);
}

void SmtpClient::final_reply(SendVerdict& verdict, const Reply& reply) const {
  verdict = stamped(verdict_of(Stage::final_dot, reply));
  // The next hop will not report success: we say that it was handed on (RFC 3461 §5.2.2).
  if (verdict.fate == Fate::delivered && !capabilities_.dsn) verdict.fate = Fate::relayed;
}

Task<void> SmtpClient::final_replies(Sending& sending) {
  sending.ended = true;
  std::optional<Reply> reply;
  for (const size_t i : sending.taken) {
    if (!reply || options_.lmtp) {
      auto next = co_await read_reply(options_.timeouts.final_dot);
      if (!next) {
        sending.decide(broken(Stage::final_dot, next.error()));
        co_return;
      }
      reply = std::move(*next);
    }
    final_reply(sending.verdicts[i], *reply);
  }
}

}  // namespace dromos::mta
