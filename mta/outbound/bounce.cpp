#include "mta/outbound/bounce.h"

#include <algorithm>

#include "common/crypto/crypto.h"

namespace dromos::mta {
namespace {

Uuid uuid_from(const Uuid& time, std::string_view seed) {
  const crypto::Sha256 digest = crypto::sha256(seed);
  Uuid id;
  std::copy_n(time.bytes.begin(), 6, id.bytes.begin());
  std::copy_n(digest.begin(), 10, id.bytes.begin() + 6);
  id.bytes[6] = static_cast<uint8_t>(0x70 | (id.bytes[6] & 0x0f));  // version 7
  id.bytes[8] = static_cast<uint8_t>(0x80 | (id.bytes[8] & 0x3f));
  return id;
}

}  // namespace

bool wants_report(const smtp::Notify& notify, smtp::DsnAction action) {
  switch (action) {
    case smtp::DsnAction::failed:
      return notify.on_failure() && !notify.never;
    case smtp::DsnAction::delayed:
      return (notify.unspecified || notify.delay) && !notify.never;
    case smtp::DsnAction::delivered:
    case smtp::DsnAction::relayed:
    case smtp::DsnAction::expanded:
      return notify.success && !notify.never;
  }
  return false;
}

smtp::DsnReport make_report(const ReportContext& context, smtp::DsnAction action, const smtp::Mailbox& to,
                            const MessageOptions& message, const std::vector<ReportLine>& lines) {
  const store::QueueItem& first = lines.front().item;
  smtp::DsnReport report;
  report.reporting_mta = context.hostname;
  report.from_domain = context.hostname;
  report.to = to;
  report.message_id = "<" + derived_id(lines, "message-id").to_string() + "@" + context.hostname + ">";
  report.date_us = context.now_us;
  report.arrival_us = first.created_us;
  report.envid = message.envid;
  report.trace_id = first.trace.value.to_string();
  report.full = message.ret == "full" && action == smtp::DsnAction::failed;
  for (const ReportLine& line : lines) {
    smtp::DsnRecipient recipient;
    if (auto address = smtp::parse_mailbox(line.item.address)) recipient.recipient = std::move(*address);
    recipient.orcpt_type = line.options.orcpt_type;
    recipient.orcpt_address = line.options.orcpt;
    recipient.action = action;
    recipient.status = context.expired ? "4.4.7" : line.verdict.status;
    recipient.remote_mta = line.verdict.remote_name;
    recipient.diagnostic = line.verdict.diagnostic;
    recipient.last_attempt_us = context.now_us;
    if (action == smtp::DsnAction::delayed) recipient.will_retry_until_us = line.item.expires_us;
    report.recipients.push_back(std::move(recipient));
  }
  return report;
}

Uuid derived_id(store::QueueKey key, std::string_view what) {
  std::string seed(what);
  seed += ':' + key.id.value.to_string() + ':' + std::to_string(key.recipient_no);
  return uuid_from(key.id.value, seed);
}

Uuid derived_id(const std::vector<ReportLine>& lines, std::string_view what) {
  std::vector<int32_t> numbers;
  for (const ReportLine& line : lines) numbers.push_back(line.item.recipient_no);
  std::sort(numbers.begin(), numbers.end());
  std::string seed(what);
  seed += ':' + lines.front().item.id.value.to_string();
  for (const int32_t number : numbers) seed += ':' + std::to_string(number);
  return uuid_from(lines.front().item.id.value, seed);
}

}  // namespace dromos::mta
