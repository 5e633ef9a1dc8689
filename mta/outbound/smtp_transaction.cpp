// SmtpClient::send: one mail transaction.
#include <algorithm>

#include "common/base/fault.h"
#include "common/base/strings.h"
#include "common/smtp/data_encoder.h"
#include "mta/outbound/smtp_client.h"

namespace dromos::mta {
namespace {

using smtp::Reply;

constexpr size_t kFlushBytes = 64 * 1024;

/// A recipient without verdict yet: code 0.
bool undecided(const SendVerdict& verdict) {
  return verdict.code == 0;
}

std::string notify_words(const smtp::Notify& notify) {
  if (notify.never) return "NEVER";
  std::string words;
  const auto add = [&](bool on, const char* word) {
    if (on) words += (words.empty() ? "" : ",") + std::string(word);
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
  return words;
}

}  // namespace

std::optional<SendVerdict> SmtpClient::refuse_here(const OutboundMessage& message) const {
  const bool utf8 = message.smtputf8 || (message.sender && message.sender->needs_smtputf8()) ||
                    std::any_of(message.recipients.begin(), message.recipients.end(),
                                [](const auto& recipient) { return recipient.address.needs_smtputf8(); });
  if (utf8 && !capabilities_.smtputf8)
    return own_verdict("5.6.7", options_.remote_name + " does not take internationalized mail (SMTPUTF8)");
  if (message.eight_bit && !capabilities_.eight_bit_mime)
    return own_verdict("5.6.3",
                       options_.remote_name + " does not take 8-bit content, and conversion is not done");
  if (capabilities_.max_size > 0 && message.size > capabilities_.max_size)
    return own_verdict("5.3.4", options_.remote_name + " takes at most " +
                                    std::to_string(capabilities_.max_size) + " octets");
  return std::nullopt;
}

std::string SmtpClient::mail_line(const OutboundMessage& message) const {
  std::string line = "MAIL FROM:<" + (message.sender ? message.sender->to_string() : std::string()) + ">";
  if (capabilities_.size) line += " SIZE=" + std::to_string(message.size);
  if (message.eight_bit && capabilities_.eight_bit_mime) line += " BODY=8BITMIME";
  if (capabilities_.smtputf8) {
    const bool addresses = (message.sender && message.sender->needs_smtputf8()) ||
                           std::any_of(message.recipients.begin(), message.recipients.end(),
                                       [](const auto& r) { return r.address.needs_smtputf8(); });
    if (message.smtputf8 || addresses) line += " SMTPUTF8";
  }
  if (capabilities_.dsn) {
    if (!message.ret.empty()) line += message.ret == "full" ? " RET=FULL" : " RET=HDRS";
    if (!message.envid.empty()) line += " ENVID=" + smtp::xtext_encode(message.envid);
  }
  return line;
}

std::string SmtpClient::rcpt_line(const OutboundRecipient& recipient) const {
  std::string line = "RCPT TO:<" + recipient.address.to_string() + ">";
  if (!capabilities_.dsn) return line;
  if (!recipient.notify.unspecified) {
    const std::string words = notify_words(recipient.notify);
    if (!words.empty()) line += " NOTIFY=" + words;
  }
  if (!recipient.orcpt.empty())
    line += " ORCPT=" + recipient.orcpt_type + ";" + smtp::xtext_encode(recipient.orcpt);
  return line;
}

void SmtpClient::fill_undecided(std::vector<SendVerdict>& verdicts, const SendVerdict& verdict) const {
  for (SendVerdict& one : verdicts)
    if (undecided(one)) one = verdict;
}

Task<std::vector<SendVerdict>> SmtpClient::send(const OutboundMessage& message) {
  ++transactions_;
  std::vector<SendVerdict> verdicts(message.recipients.size());
  if (const auto refusal = refuse_here(message)) {
    fill_undecided(verdicts, stamped(*refusal));
    co_return verdicts;
  }
  usable_ = true;
  bool go_on = false;
  co_await envelope(message, verdicts, go_on);
  if (go_on) co_await finish_data(message, verdicts);
  if (!usable_) co_return verdicts;
  const bool left_open = !go_on;
  if (left_open) {
    auto reset = co_await command("RSET", options_.timeouts.command);
    if (!reset || !reset->positive()) usable_ = false;
  }
  co_return verdicts;
}

/// MAIL, RCPT and DATA: in one write where the server pipelines, else one by one. `go_on`: 354 came and
/// somebody was accepted.
Task<void> SmtpClient::envelope(const OutboundMessage& message, std::vector<SendVerdict>& verdicts,
                                bool& go_on) {
  const bool pipeline = capabilities_.pipelining;
  const milliseconds wait = options_.timeouts.command;
  Stage stage = Stage::mail;

  stream_->write(mail_line(message) + "\r\n");
  if (pipeline) {
    for (const OutboundRecipient& recipient : message.recipients)
      stream_->write(rcpt_line(recipient) + "\r\n");
    stream_->write("DATA\r\n");
  }
  auto flushed = co_await stream_->flush(Deadline::after(wait));
  if (!flushed) {
    fill_undecided(verdicts, broken(stage, flushed.error()));
    co_return;
  }
  auto mail = co_await read_reply(wait);
  if (!mail) {
    fill_undecided(verdicts, broken(stage, mail.error()));
    co_return;
  }
  const bool mail_ok = mail->code >= 200 && mail->code < 300;
  if (!mail_ok) {
    fill_undecided(verdicts, stamped(verdict_of(stage, *mail)));
    if (!pipeline || !usable_) co_return;
  }

  stage = Stage::rcpt;
  size_t taken = 0;
  for (size_t i = 0; i < message.recipients.size(); ++i) {
    if (!pipeline) {
      stream_->write(rcpt_line(message.recipients[i]) + "\r\n");
      flushed = co_await stream_->flush(Deadline::after(wait));
      if (!flushed) {
        fill_undecided(verdicts, broken(stage, flushed.error()));
        co_return;
      }
    }
    auto reply = co_await read_reply(wait);
    if (!reply) {
      fill_undecided(verdicts, broken(stage, reply.error()));
      co_return;
    }
    if (!mail_ok) continue;
    if (reply->code >= 200 && reply->code < 300) {
      ++taken;
      continue;
    }
    verdicts[i] = stamped(verdict_of(stage, *reply, taken > 0));
    if (!usable_) {  // 421: nothing more will come
      fill_undecided(verdicts, stamped(verdict_of(stage, *reply)));
      co_return;
    }
  }

  stage = Stage::data;
  if (!pipeline) {
    if (taken == 0) co_return;
    stream_->write("DATA\r\n");
    flushed = co_await stream_->flush(Deadline::after(options_.timeouts.data));
    if (!flushed) {
      fill_undecided(verdicts, broken(stage, flushed.error()));
      co_return;
    }
  }
  auto data = co_await read_reply(options_.timeouts.data);
  if (!data) {
    fill_undecided(verdicts, broken(stage, data.error()));
    co_return;
  }
  if (data->code == 354 && taken == 0) {
    // It wants content although nobody is to get it (RFC 2920 §3.1): give it none.
    auto empty = co_await command(".", options_.timeouts.final_dot);
    if (!empty) usable_ = false;
    co_return;
  }
  if (data->code != 354) {
    fill_undecided(verdicts, stamped(verdict_of(stage, *data)));
    for (SendVerdict& verdict : verdicts)
      if (verdict.fate == Fate::delivered) verdict.fate = Fate::deferred;  // 2xx to DATA means nothing
    co_return;
  }
  go_on = true;
  co_return;
}

/// `ours`: it was not the connection that failed but reading the body, or the lease.
Task<Result<void>> SmtpClient::send_content(const OutboundMessage& message, bool& ours) {
  smtp::DataEncoder encoder;
  const milliseconds wait = options_.timeouts.block;
  std::function<Task<Result<void>>(std::string_view)> on_piece = [&](std::string_view piece) {
    return write_piece(encoder, piece, wait);
  };
  auto read = co_await message.body(on_piece);
  if (!read) {
    // The database or the connection: in both cases the dot must not be sent.
    ours = stream_->is_open() && !content_lost_;
    co_return Unexpected(std::move(read).error().with_context("sending content"));
  }
  CO_TRY_VOID(co_await stream_->flush(Deadline::after(wait)));
  fault::hit("outbound.before_dot");
  if (message.before_dot) {
    auto held = co_await message.before_dot();
    if (!held || !*held) {
      ours = true;
      co_return fail(Errc::cancelled, "the lease was lost before the final dot", Retry::temporary);
    }
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

Task<void> SmtpClient::finish_data(const OutboundMessage& message, std::vector<SendVerdict>& verdicts) {
  bool ours = false;
  const auto sent = co_await send_content(message, ours);
  if (!sent) {
    // A server that had enough often says why before it closes.
    std::optional<Reply> last_words;
    if (!ours && sent.error().is(Errc::closed)) {
      auto reply = co_await read_reply(seconds(1));
      if (reply && (reply->permanent() || reply->temporary())) last_words = std::move(*reply);
    }
    SendVerdict verdict =
        last_words ? stamped(verdict_of(Stage::data, *last_words)) : broken(Stage::data, sent.error());
    if (ours) verdict.other_host = false;
    usable_ = false;
    stream_->close();  // in the middle of content only an end of the connection says that it is not complete
    fill_undecided(verdicts, verdict);
    co_return;
  }
  auto reply = co_await read_reply(options_.timeouts.final_dot);
  if (!reply) {
    fill_undecided(verdicts, broken(Stage::final_dot, reply.error()));
    co_return;
  }
  SendVerdict verdict = stamped(verdict_of(Stage::final_dot, *reply));
  fill_undecided(verdicts, verdict);
  if (verdict.fate != Fate::delivered || capabilities_.dsn) co_return;
  // The next hop will not report success: we say that it was handed on (RFC 3461 §5.2.2).
  for (SendVerdict& one : verdicts)
    if (one.fate == Fate::delivered) one.fate = Fate::relayed;
}

}  // namespace dromos::mta
