#include "mta/service/notification.h"

#include "mta/service/head.h"
#include "mta/service/queue_options.h"
#include "mta/service/trace_events.h"

namespace dromos::mta {
namespace {

smtp::DsnRecipient base(const smtp::RcptTo& rcpt, int64_t now_us) {
  smtp::DsnRecipient out;
  out.recipient = rcpt.to;
  if (rcpt.orcpt) {
    out.orcpt_type = rcpt.orcpt->type;
    out.orcpt_address = rcpt.orcpt->address;
  }
  out.last_attempt_us = now_us;
  return out;
}

}  // namespace

std::optional<smtp::DsnRecipient> failed_recipient(const smtp::RcptTo& rcpt, const smtp::Reply& reply,
                                                   int64_t now_us) {
  if (!rcpt.notify.on_failure()) return std::nullopt;
  smtp::DsnRecipient out = base(rcpt, now_us);
  out.action = smtp::DsnAction::failed;
  out.status = reply.enhanced.to_string();
  out.diagnostic = reply.summary();
  return out;
}

std::optional<smtp::DsnRecipient> delivered_recipient(const smtp::RcptTo& rcpt, int64_t now_us) {
  if (!rcpt.notify.success) return std::nullopt;
  smtp::DsnRecipient out = base(rcpt, now_us);
  out.action = smtp::DsnAction::delivered;
  return out;
}

void add_notification(Plan& plan, const Envelope& envelope, const Notification& notification,
                      std::string_view original, std::string_view hostname, const PlanOptions& options) {
  // RFC 3461 §6.1: never about a message that came from nobody.
  if (notification.recipients.empty() || !envelope.mail.from) return;
  store::QueueTarget target;
  target.id = QueueId::make();
  smtp::DsnReport report;
  report.reporting_mta = hostname;
  report.from_domain = hostname;
  report.to = *envelope.mail.from;
  report.message_id = to_text(target.id) + "@" + std::string(hostname);
  report.date_us = options.now_us;
  report.arrival_us = options.now_us;
  report.envid = envelope.mail.envid.value_or("");
  report.trace_id = to_text(envelope.trace);
  report.recipients = notification.recipients;
  report.full = envelope.mail.ret == smtp::DsnReturn::full && original.size() <= smtp::kMaxDsnOriginal;
  report.original = report.full ? original : original.substr(0, header_size_of(original));
  smtp::DsnMessage message = smtp::build_dsn(report);

  target.message = plan.delivery.messages.size();
  target.body = Uuid::v7();
  target.expires_us = options.now_us + microseconds(options.expire_after).count();
  MessageOptions wanted;
  wanted.smtputf8 = message.needs_smtputf8;
  wanted.eight_bit = message.eight_bit;
  target.options = encode(wanted);
  for (const directory::Recipient& to : notification.sender.targets) {
    RecipientOptions recipient;
    recipient.notify.unspecified = false;
    recipient.notify.never = true;
    recipient.account = to.account;
    if (!to.is_remote()) recipient.role = "inbox";
    store::QueueRecipient& row = target.recipients.emplace_back();
    row.address = to.address;
    row.domain = domain_of(to.address);
    row.transport = to.is_remote() ? "smtp" : "local";
    row.due_us = options.now_us;
    row.options = encode(recipient);
  }
  if (target.recipients.empty()) return;
  plan.delivery.messages.push_back(message_of(std::move(message.bytes), envelope.trace, options.now_us));
  plan.delivery.queue.push_back(std::move(target));
  plan.queues = true;
  for (const smtp::DsnRecipient& recipient : notification.recipients)
    if (recipient.action == smtp::DsnAction::failed)
      plan.delivery.trace.push_back(
          bounced_event(envelope, recipient.recipient.shown(), recipient.diagnostic));
}

}  // namespace dromos::mta
