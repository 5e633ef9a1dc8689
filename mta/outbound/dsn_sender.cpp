#include "mta/outbound/dsn_sender.h"

#include <nlohmann/json.hpp>

#include "common/directory/directory.h"
#include "common/log/log.h"
#include "common/smtp/trace.h"
#include "common/store/deliverer.h"
#include "mta/outbound/metrics.h"

namespace dromos::mta {
namespace {

std::string_view name_of(smtp::DsnAction action) {
  switch (action) {
    case smtp::DsnAction::failed:
      return "failed";
    case smtp::DsnAction::delayed:
      return "delayed";
    case smtp::DsnAction::delivered:
      return "delivered";
    case smtp::DsnAction::relayed:
      return "relayed";
    case smtp::DsnAction::expanded:
      return "expanded";
  }
  return "?";
}

store::TraceEvent trace_of(const std::vector<ReportLine>& lines, std::string event, std::string to,
                           nlohmann::json detail) {
  const store::QueueItem& first = lines.front().item;
  store::TraceEvent trace;
  trace.trace = first.trace;
  trace.daemon = "mta";
  trace.event = std::move(event);
  trace.recipient = std::move(to);
  trace.code = lines.front().verdict.code;
  detail["about"] = first.address;
  detail["recipients"] = lines.size();
  trace.detail = detail.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return trace;
}

/// Stops reading a body early; never shown.
Error enough() {
  return Error(Errc::cancelled, "enough");
}

}  // namespace

Task<Result<std::string>> DsnSender::original(const store::QueueItem& item, Uuid token, bool full) {
  const size_t limit = full ? smtp::kMaxDsnOriginal : smtp::kMaxDsnHeaders;
  std::string bytes;
  bool stopped = false;
  std::function<Task<Result<void>>(std::string_view)> on_piece = [&bytes, &stopped, limit,
                                                                  full](std::string_view piece) {
    return take_original(bytes, stopped, limit, full, piece);
  };
  auto read = co_await context_.queue.body(item.id, token, on_piece, Deadline::after(kDatabaseWait));
  if (!read && !stopped) co_return Unexpected(std::move(read).error().with_context("reading the original"));
  const size_t header = bytes.find("\r\n\r\n");
  if (!full && header != std::string::npos) bytes.resize(header + 4);
  co_return bytes;
}

Task<Result<void>> DsnSender::take_original(std::string& bytes, bool& stopped, size_t limit, bool full,
                                            std::string_view piece) {
  bytes += piece;
  stopped =
      full ? bytes.size() > limit : (bytes.size() > limit || bytes.find("\r\n\r\n") != std::string::npos);
  if (stopped) co_return fail(enough());
  co_return Result<void>{};
}

Task<Result<void>> DsnSender::drop(const std::vector<ReportLine>& lines, std::string why) {
  outbound_metrics::reports("dropped").add();
  log::warn("report.drop", {{"trace", lines.front().item.trace},
                            {"from", lines.front().item.sender},
                            {"to", lines.front().item.address},
                            {"why", why},
                            {"reply", lines.front().verdict.diagnostic}});
  std::vector<store::TraceEvent> events;
  events.push_back(trace_of(lines, "report.dropped", lines.front().item.sender, {{"why", why}}));
  co_return co_await context_.traces.put(std::move(events), Deadline::after(kDatabaseWait));
}

Task<Result<void>> DsnSender::send(Uuid token, smtp::DsnAction action, bool expired,
                                   std::vector<ReportLine> lines) {
  std::erase_if(lines, [&](const ReportLine& line) { return !wants_report(line.options.notify, action); });
  if (lines.empty()) co_return Result<void>{};
  const store::QueueItem& first = lines.front().item;
  // Nobody is told of lost reports (RFC 5321 §4.5.5); a delay of one is not worth a word.
  if (first.sender.empty()) {
    if (action != smtp::DsnAction::failed) co_return Result<void>{};
    co_return co_await drop(lines, "null sender");
  }
  auto to = smtp::parse_mailbox(first.sender);
  if (!to) co_return co_await drop(lines, "sender is no address");

  MessageOptions message_options;
  if (auto decoded = decode_message_options(first.message_options)) message_options = std::move(*decoded);
  ReportContext about{context_.options.hostname, Clock::now_us(), expired};
  smtp::DsnReport report = make_report(about, action, *to, message_options, lines);
  CO_TRY(report.original, co_await original(first, token, report.full));
  const smtp::DsnMessage message = smtp::build_dsn(report);
  const std::string what = "report-" + std::string(name_of(action));
  auto delivery = co_await address(*to, message, lines, what);
  if (!delivery) {
    if (delivery.error().is(Errc::not_found)) co_return co_await drop(lines, delivery.error().message());
    co_return Unexpected(std::move(delivery).error());
  }
  delivery->trace.push_back(trace_of(lines, "report.sent", first.sender, {{"action", name_of(action)}}));
  CO_TRY(const auto done,
         co_await context_.parts.deliverer.deliver(std::move(*delivery), Deadline::after(kDatabaseWait)));
  for (const store::TargetResult& target : done.targets)
    if (target.outcome != store::Outcome::stored) {
      if (target.outcome == store::Outcome::busy || target.outcome == store::Outcome::blob_gone)
        co_return fail(unavailable_error("storing a report"));
      co_return co_await drop(lines, "the sender's mailbox refused it");
    }
  outbound_metrics::reports(name_of(action)).add();
  if (context_.parts.changed) context_.parts.changed(done.changes());
  log::info("report.send", {{"trace", first.trace},
                            {"to", first.sender},
                            {"action", name_of(action)},
                            {"about", first.address},
                            {"recipients", lines.size()}});
  co_return Result<void>{};
}

/// Where the report goes, as one delivery; Errc::not_found: the sender is ours and takes no mail.
Task<Result<store::Delivery>> DsnSender::address(const smtp::Mailbox& to, const smtp::DsnMessage& message,
                                                 const std::vector<ReportLine>& lines, std::string what) {
  const store::QueueItem first = lines.front().item;
  const Deadline deadline = Deadline::after(kDatabaseWait);
  store::Delivery delivery;
  delivery.id = DeliveryId{derived_id(lines, what)};
  delivery.messages.push_back(
      context_.parts.make_message(smtp::return_path_header(std::nullopt) + message.bytes, first.trace));

  std::vector<directory::Recipient> targets;
  CO_TRY(const bool local, co_await context_.parts.directory.domain_is_local(to.domain, deadline));
  if (local) {
    CO_TRY(const auto resolved, co_await context_.parts.directory.resolve(to.local, to.domain, deadline));
    if (!resolved.accepted())
      co_return fail(Errc::not_found,
                     "sender takes no mail: " + std::string(directory::to_string(resolved.reject)));
    targets = resolved.targets;
  } else {
    targets.push_back({AccountId{}, to.to_string(), ""});
  }

  store::QueueTarget queued;
  for (size_t i = 0; i < targets.size(); ++i) {
    const directory::Recipient& target = targets[i];
    if (target.is_remote()) {
      const auto remote = smtp::parse_mailbox(target.address);
      if (!remote) continue;
      store::QueueRecipient recipient;
      recipient.address = remote->to_string();
      recipient.domain = remote->domain;
      queued.recipients.push_back(std::move(recipient));
      continue;
    }
    store::LocalTarget mailbox;
    mailbox.account = target.account;
    mailbox.id = MessageId{derived_id(lines, what + "-message-" + std::to_string(target.account.value))};
    delivery.targets.push_back(std::move(mailbox));
  }
  if (!queued.recipients.empty()) {
    queued.message = delivery.targets.empty() ? 0 : 1;
    // Without Return-Path: that is for the last hop (RFC 5321 §4.4).
    if (delivery.targets.empty()) delivery.messages.clear();
    delivery.messages.push_back(context_.parts.make_message(message.bytes, first.trace));
    queued.id = QueueId{derived_id(lines, what + "-queue")};
    queued.body = derived_id(lines, what + "-body");
    queued.expires_us = Clock::now_us() + context_.options.expire_after.count() * 1000;
    MessageOptions options;
    options.smtputf8 = message.needs_smtputf8;
    options.eight_bit = message.eight_bit;
    queued.options = encode(options);
    delivery.queue.push_back(std::move(queued));
  }
  if (delivery.targets.empty() && delivery.queue.empty())
    co_return fail(Errc::not_found, "sender leads nowhere");
  co_return delivery;
}

}  // namespace dromos::mta
