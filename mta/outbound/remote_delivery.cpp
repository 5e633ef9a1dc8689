#include "mta/outbound/remote_delivery.h"

#include <algorithm>

#include "common/base/strings.h"
#include "mta/service/queue_options.h"

namespace dromos::mta {
namespace {

constexpr milliseconds kRouteWait{30'000};

Task<Result<void>> look_at_header(bool* ascii, std::string_view piece) {
  const size_t end = piece.find("\r\n\r\n");
  *ascii = is_ascii(piece.substr(0, end));
  co_return fail(Errc::cancelled, "seen");  // the first piece is the header: no more is wanted
}

Task<Result<void>> append(std::string* to, std::string_view piece) {
  if (to->size() + piece.size() > mime::kMaxConverted) co_return fail(Errc::limit_exceeded, "too large");
  to->append(piece);
  co_return Result<void>{};
}

Task<Result<mime::SevenBit>> seven_bit_of(store::Queue* queue, QueueId id, Uuid token, uint64_t size) {
  if (size > mime::kMaxConverted) co_return mime::seven_bit_too_large();
  std::string raw;
  raw.reserve(size);
  std::function<Task<Result<void>>(std::string_view)> on_piece = [&raw](std::string_view piece) {
    return append(&raw, piece);
  };
  CO_TRY_VOID(co_await queue->body(id, token, on_piece, Deadline::after(kDatabaseWait)));
  co_return mime::seven_bit_form(raw);
}

/// Shutdown came first: the next process takes them, and nothing is counted against them.
void not_tried(Attempt& attempt, const std::vector<size_t>& open) {
  for (const size_t i : open) attempt.verdicts[i].fate = Fate::again;
}

}  // namespace

Task<Result<bool>> RemoteDelivery::header_is_ascii(QueueId id, Uuid token) {
  bool ascii = true;
  std::function<Task<Result<void>>(std::string_view)> on_piece = [&ascii](std::string_view piece) {
    return look_at_header(&ascii, piece);
  };
  auto read = co_await context_.queue.body(id, token, on_piece, Deadline::after(kDatabaseWait));
  if (!read && !read.error().is(Errc::cancelled)) co_return Unexpected(std::move(read).error());
  co_return ascii;
}

/// The envelope without its recipients; those that cannot be sent at all get their verdict here.
Task<Result<OutboundMessage>> RemoteDelivery::message_of(const Group& group,
                                                         std::vector<SendVerdict>& verdicts) {
  const store::QueueItem& first = group.first();
  OutboundMessage message;
  if (!first.sender.empty()) {
    auto sender = smtp::parse_mailbox(first.sender);
    if (!sender) {
      for (SendVerdict& verdict : verdicts) verdict = own_verdict("5.1.7", "Sender address cannot be sent");
    } else {
      message.sender = std::move(*sender);
    }
  }
  MessageOptions options;
  if (auto decoded = decode_message_options(first.message_options)) options = std::move(*decoded);
  message.size = static_cast<uint64_t>(first.size);
  message.eight_bit = options.eight_bit;
  message.binary = options.binary;
  message.ret = options.ret;
  message.envid = options.envid;
  if (options.smtputf8) {
    // Many clients ask for SMTPUTF8 and need none (RFC 6531 §3.4 lets such mail go to any server).
    CO_TRY(const bool ascii, co_await header_is_ascii(first.id, group.token()));
    message.smtputf8 = !ascii;
  }
  store::Queue* queue = &context_.queue;
  const QueueId id = first.id;
  const Uuid token = group.token();
  message.body = [queue, id, token](std::function<Task<Result<void>>(std::string_view)> on_piece) {
    // No deadline of its own for the whole: each write has one, and so has the lease.
    return queue->body(id, token, std::move(on_piece), Deadline::after(std::chrono::hours(1)));
  };
  message.seven_bit = [queue, id, token, size = message.size] {
    return seven_bit_of(queue, id, token, size);
  };
  const std::vector<store::QueueKey> keys = group.keys();
  const milliseconds lease = context_.options.lease;
  message.before_dot = [queue, token, keys, lease]() {
    return queue->renew(token, keys, lease, Deadline::after(kDatabaseWait));
  };
  co_return message;
}

/// Sends to the recipients in `open`; those that may do better elsewhere, or were not tried, stay in it.
Task<void> RemoteDelivery::try_connection(SmtpClient& client, const OutboundMessage& message,
                                          std::vector<SendVerdict>& verdicts, std::vector<size_t>& open) {
  const std::vector<SendVerdict> got = co_await client.send(message);
  std::vector<size_t> rest;
  for (size_t i = 0; i < got.size(); ++i) {
    verdicts[open[i]] = got[i];
    if (got[i].fate == Fate::deferred && got[i].other_host) rest.push_back(open[i]);
  }
  open = std::move(rest);
}

Task<bool> RemoteDelivery::try_idle(const Group& group, const OutboundMessage& message,
                                    std::vector<SendVerdict>& verdicts, std::vector<size_t>& open) {
  auto client = connections_.take(group.destination);
  if (client == nullptr) co_return false;
  co_await try_connection(*client, message, verdicts, open);
  // A server that closed an idle connection meant nothing by it: `open` is tried again on a new one. What it
  // answered holds.
  const bool dealt_with = open.empty() || client->usable();
  if (client->usable()) co_await connections_.give_back(group.destination, std::move(client));
  co_return dealt_with;
}

Task<Attempt> RemoteDelivery::deliver(const Group& group) {
  Attempt attempt;
  attempt.verdicts.resize(group.items.size());
  auto built = co_await message_of(group, attempt.verdicts);
  if (!built) {
    SendVerdict verdict = own_verdict("4.3.0", "reading the message: " + built.error().message());
    std::fill(attempt.verdicts.begin(), attempt.verdicts.end(), verdict);
    co_return attempt;
  }
  OutboundMessage message = std::move(*built);

  std::vector<OutboundRecipient> recipients(group.items.size());
  std::vector<size_t> open;
  for (size_t i = 0; i < group.items.size(); ++i) {
    if (attempt.verdicts[i].code != 0) continue;
    auto address = smtp::parse_mailbox(group.items[i].item.address);
    if (!address) {
      attempt.verdicts[i] = own_verdict("5.1.3", "Address cannot be sent: " + address.error().message());
      continue;
    }
    RecipientOptions options;
    if (auto decoded = decode_recipient_options(group.items[i].item.recipient_options))
      options = std::move(*decoded);
    recipients[i] = {std::move(*address), options.notify, options.orcpt_type, options.orcpt};
    open.push_back(i);
  }
  const auto choose = [&] {
    message.recipients.clear();
    for (const size_t i : open) message.recipients.push_back(recipients[i]);
  };
  if (open.empty()) co_return attempt;

  choose();
  if (co_await try_idle(group, message, attempt.verdicts, open)) co_return attempt;

  auto routed =
      co_await router_.route(group.first().transport, group.first().domain, Deadline::after(kRouteWait));
  if (const auto* verdict = std::get_if<SendVerdict>(&routed)) {
    for (const size_t i : open) attempt.verdicts[i] = *verdict;
    if (context_.closing) not_tried(attempt, open);
    attempt.unreachable = verdict->fate == Fate::deferred && !context_.closing;
    co_return attempt;
  }
  bool talked = false;
  for (const Hop& hop : std::get<Route>(routed).hops) {
    if (context_.closing) {
      not_tried(attempt, open);
      co_return attempt;
    }
    auto opened = co_await connections_.open(hop);
    if (const auto* failure = std::get_if<SmtpClient::Failure>(&opened)) {
      for (const size_t i : open) attempt.verdicts[i] = failure->verdict;
      if (context_.closing) not_tried(attempt, open);
      continue;
    }
    talked = true;
    auto client = std::move(std::get<std::unique_ptr<SmtpClient>>(opened));
    choose();
    co_await try_connection(*client, message, attempt.verdicts, open);
    if (client->usable()) co_await connections_.give_back(group.destination, std::move(client));
    if (open.empty()) break;
  }
  attempt.unreachable = !talked;
  co_return attempt;
}

}  // namespace dromos::mta
