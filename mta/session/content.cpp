// Session: the content of messages, by DATA and by BDAT, and the reply to it.
#include "common/base/fault.h"
#include "common/smtp/trace.h"
#include "mta/service/metrics.h"
#include "mta/session/session.h"

namespace dromos::mta {
namespace {

/// A client that sends slower than this may use up data_timeout, and no more.
constexpr uint64_t kSlowBytesPerSecond = 16 * 1024;
/// RFC 5321 §6.3.
constexpr size_t kMaxHops = 50;

Deadline content_deadline(Deadline::TimePoint begun, milliseconds timeout, uint64_t received) {
  return Deadline::at(begun + timeout + seconds(received / kSlowBytesPerSecond));
}

}  // namespace

Task<bool> Session::fill_content(uint64_t received, Deadline::TimePoint begun) {
  // What was pipelined behind DATA waits with its replies until the content is in; but a client waiting for
  // 354 must get it.
  if (!co_await flush()) co_return false;
  const auto& limits = settings_.limits;
  const Deadline deadline =
      content_deadline(begun, limits.data_timeout, received).earlier(Deadline::after(limits.command_timeout));
  auto got = co_await stream_.fill(deadline);
  if (got && *got > 0) co_return true;
  if (!got && got.error().is(Errc::timeout))
    close_with({421, {4, 4, 2}, "Timeout while reading the message"});
  if (!got && got.error().is(Errc::cancelled)) log_.info("message.cut", {{"trace", transaction.trace}});
  open_ = false;
  co_return false;
}

Task<bool> Session::read_data(smtp::DataDecoder& decoder) {
  const auto begun = std::chrono::steady_clock::now();
  Spool& content = *transaction.content;
  while (true) {
    const std::string_view buffered = stream_.buffered();
    std::string_view input = buffered;
    const bool done = decoder.feed_to(input, [&](std::string_view run) { content.append(run); });
    stream_.consume(buffered.size() - input.size());
    if (done) co_return true;
    if (!co_await fill_content(decoder.size(), begun)) co_return false;
  }
}

Task<bool> Session::read_chunk(smtp::BdatDecoder& decoder, bool keep) {
  const auto begun = std::chrono::steady_clock::now();
  while (true) {
    const std::string_view buffered = stream_.buffered();
    std::string_view input = buffered;
    const bool done = decoder.feed_to(input, [&](std::string_view run) {
      if (keep) transaction.content->append(run);
    });
    stream_.consume(buffered.size() - input.size());
    if (done) co_return true;
    if (!co_await fill_content(decoder.size(), begun)) co_return false;
  }
}

Task<void> Session::finish_message(const smtp::ContentFaults& faults) {
  Transaction ended = std::move(transaction);
  std::optional<smtp::Reply> refusal;
  if (auto verdict = faults.verdict(); !verdict) {
    refusal = smtp::reply_for(verdict.error());
    // RFC 5321 §2.3.8; RFC 3463 has no closer code than the one for content that cannot be converted.
    if (verdict.error().is(smtp::Errc::bad_content)) refusal->enhanced = {5, 6, 11};
  } else if (auto sealed = ended.content->seal(); !sealed) {
    refusal = smtp::Reply(452, {4, 3, 1}, "Too much mail in flight, please try later");
    log_.warn("message.deferred", {{"trace", ended.trace}, {"err", sealed.error()}});
  } else if (smtp::received_count(ended.content->content()) > kMaxHops) {
    refusal = smtp::Reply(554, {5, 4, 6}, "Too many hops: this message goes in circles");
  }

  std::vector<smtp::Reply> replies;
  if (refusal) {
    metrics::messages(refusal->permanent() ? "refused" : "deferred").add();
    transaction.trace = ended.trace;
    transaction.mail = ended.mail;
    note_refusal("message.refused", *refusal);
    replies.assign(is_lmtp() ? ended.recipients.size() : 1, *refusal);
  } else {
    Envelope envelope;
    envelope.kind = settings_.kind;
    envelope.trace = ended.trace;
    envelope.peer = peer;
    envelope.mail = std::move(*ended.mail);
    envelope.recipients = std::move(ended.recipients);
    envelope.user = user;
    replies = co_await backend_.accept(std::move(envelope), std::move(ended.content));
  }
  reset_transaction();
  ++messages_;
  for (const smtp::Reply& each : replies) reply(each);
  replied_to_message_ = true;
}

}  // namespace dromos::mta
