// SmtpClient::send: the envelope of one mail transaction, and what of a message this server cannot take.
#include <algorithm>

#include "common/base/strings.h"
#include "mta/outbound/smtp_client.h"

namespace dromos::mta {
namespace {

using smtp::Reply;

/// A recipient without verdict yet: code 0.
bool undecided(const SendVerdict& verdict) {
  return verdict.code == 0;
}

bool positive(const Reply& reply) {
  return reply.code >= 200 && reply.code < 300;
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

void SmtpClient::Sending::decide(const SendVerdict& verdict) {
  for (SendVerdict& one : verdicts)
    if (undecided(one)) one = verdict;
}

/// RFC 6531 §3.5 and §3.6 for internationalized mail, RFC 3030 §3 for binary, RFC 1870 §6 for size.
std::optional<SendVerdict> SmtpClient::refuse_here(const OutboundMessage& message) const {
  const std::string& host = options_.remote_name;
  if (!capabilities_.smtputf8) {
    if (message.sender && message.sender->needs_smtputf8())
      return own_verdict("5.6.7", "the sender's address is internationalized, and " + host +
                                      " does not take such mail (SMTPUTF8)");
    if (message.smtputf8)
      return own_verdict(
          "5.6.9", "the header is internationalized, and " + host + " does not take such mail (SMTPUTF8)");
  }
  if (message.binary && !(capabilities_.binary_mime && capabilities_.chunking))
    return own_verdict("5.6.3", host + " does not take binary content (BINARYMIME)");
  if (message.eight_bit && !capabilities_.eight_bit_mime && !message.binary && !message.seven_bit)
    return own_verdict("5.6.3", host + " does not take 8-bit content, and conversion is not done");
  if (capabilities_.max_size > 0 && message.size > capabilities_.max_size)
    return own_verdict("5.3.4",
                       host + " takes at most " + std::to_string(capabilities_.max_size) + " octets");
  return std::nullopt;
}

std::string SmtpClient::mail_line(const Sending& sending) const {
  const OutboundMessage& message = sending.message;
  std::string line = "MAIL FROM:<" + (message.sender ? message.sender->to_string() : std::string()) + ">";
  const uint64_t size = sending.held ? sending.held->size() : message.size;
  if (capabilities_.size) line += " SIZE=" + std::to_string(size);
  if (message.binary)
    line += " BODY=BINARYMIME";
  else if (sending.eight_bit && capabilities_.eight_bit_mime)
    line += " BODY=8BITMIME";
  if (capabilities_.smtputf8) {
    const bool addresses = (message.sender && message.sender->needs_smtputf8()) ||
                           std::any_of(sending.asked.begin(), sending.asked.end(), [&](size_t i) {
                             return message.recipients[i].address.needs_smtputf8();
                           });
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

/// Refuses what cannot be sent here, and reads the content where that must come before the envelope.
Task<void> SmtpClient::prepare(Sending& sending) {
  const OutboundMessage& message = sending.message;
  sending.eight_bit = message.eight_bit;
  if (const auto refusal = refuse_here(message)) sending.decide(stamped(*refusal));
  for (size_t i = 0; i < message.recipients.size(); ++i) {
    if (!capabilities_.smtputf8 && message.recipients[i].address.needs_smtputf8() &&
        undecided(sending.verdicts[i]))
      sending.verdicts[i] =
          stamped(own_verdict("5.6.7", "the recipient's address is internationalized, and " +
                                           options_.remote_name + " does not take such mail (SMTPUTF8)"));
    if (undecided(sending.verdicts[i])) sending.asked.push_back(i);
  }
  if (sending.asked.empty() || capabilities_.eight_bit_mime || message.binary || !message.seven_bit)
    co_return;
  auto form = co_await message.seven_bit();
  if (!form) {
    sending.decide(stamped(verdict_of(form.error())));
  } else if (form->form == mime::SevenBit::Form::impossible) {
    sending.decide(stamped(own_verdict(
        "5.6.3",
        options_.remote_name + " does not take 8-bit content, which cannot be converted: " + form->reason)));
  } else {
    sending.eight_bit = false;
    if (form->form == mime::SevenBit::Form::converted) sending.held = std::move(form->bytes);
  }
}

bool SmtpClient::sends_at_once(const Sending& sending) const {
  const uint64_t size = sending.held ? sending.held->size() : sending.message.size;
  return capabilities_.chunking && capabilities_.pipelining && !options_.lmtp && !no_bdat_ && size <= kAtOnce;
}

Task<std::vector<SendVerdict>> SmtpClient::send(const OutboundMessage& message) {
  ++transactions_;
  Sending sending{message, std::vector<SendVerdict>(message.recipients.size()), {}, {}, {}};
  co_await prepare(sending);
  if (std::none_of(sending.verdicts.begin(), sending.verdicts.end(), undecided)) co_return sending.verdicts;
  usable_ = true;
  if (message.binary)
    co_await by_chunks(sending);
  else if (sends_at_once(sending))
    co_await by_one_chunk(sending);
  else
    co_await by_data(sending);
  const bool again = std::exchange(sending.by_data, false);
  if (usable_ && !sending.ended) {
    auto reset = co_await command("RSET", options_.timeouts.command);
    if (!reset || !reset->positive()) usable_ = false;
  }
  if (again) {
    no_bdat_ = true;
    if (usable_) {
      co_await by_data(sending);
      if (usable_ && !sending.ended) {
        auto reset = co_await command("RSET", options_.timeouts.command);
        if (!reset || !reset->positive()) usable_ = false;
      }
    } else {
      sending.decide(
          stamped(own_verdict("4.5.0", options_.remote_name + " offers BDAT and does not know it")));
    }
  }
  co_return sending.verdicts;
}

/// MAIL and RCPT, and `tail` (DATA, or the content) in the same write where the server pipelines; else `tail`
/// is not sent. True: somebody was accepted, or the answer to `tail` is still to come. `lost` is the stage of
/// a connection that breaks: past the content, another host might take the message twice.
Task<bool> SmtpClient::envelope(Sending& sending, std::string tail, Stage lost) {
  const bool pipeline = capabilities_.pipelining;
  sending.taken.clear();
  stream_->write(mail_line(sending) + "\r\n");
  if (pipeline) {
    for (const size_t i : sending.asked) stream_->write(rcpt_line(sending.message.recipients[i]) + "\r\n");
    stream_->write(tail);
  }
  const milliseconds wait = options_.timeouts.command;
  auto flushed = co_await stream_->flush(Deadline::after(wait));
  if (!flushed) {
    sending.decide(broken(lost, flushed.error()));
    co_return false;
  }
  auto mail = co_await read_reply(wait);
  if (!mail) {
    sending.decide(broken(lost, mail.error()));
    co_return false;
  }
  const bool mail_ok = positive(*mail);
  if (!mail_ok) {
    sending.decide(stamped(verdict_of(Stage::mail, *mail)));
    if (!pipeline || !usable_) co_return false;
  }
  if (!co_await recipients(sending, mail_ok, lost == Stage::mail ? Stage::rcpt : lost)) co_return false;
  co_return (pipeline && !tail.empty()) || !sending.taken.empty();
}

/// The replies to RCPT, or one command after the other. False: the connection is over.
Task<bool> SmtpClient::recipients(Sending& sending, bool mail_ok, Stage lost) {
  const milliseconds wait = options_.timeouts.command;
  for (const size_t i : sending.asked) {
    if (!capabilities_.pipelining) {
      stream_->write(rcpt_line(sending.message.recipients[i]) + "\r\n");
      auto flushed = co_await stream_->flush(Deadline::after(wait));
      if (!flushed) {
        sending.decide(broken(lost, flushed.error()));
        co_return false;
      }
    }
    auto reply = co_await read_reply(wait);
    if (!reply) {
      sending.decide(broken(lost, reply.error()));
      co_return false;
    }
    if (!mail_ok) continue;
    if (positive(*reply)) {
      sending.taken.push_back(i);
      continue;
    }
    sending.verdicts[i] = stamped(verdict_of(Stage::rcpt, *reply, !sending.taken.empty()));
    if (!usable_) {  // 421: nothing more will come
      sending.decide(stamped(verdict_of(Stage::rcpt, *reply)));
      co_return false;
    }
  }
  co_return true;
}

}  // namespace dromos::mta
