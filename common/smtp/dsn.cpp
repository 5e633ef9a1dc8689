#include "common/smtp/dsn.h"

#include "common/base/strings.h"
#include "common/smtp/command.h"
#include "common/smtp/data_encoder.h"
#include "common/smtp/reply.h"
#include "common/smtp/trace.h"

namespace dromos::smtp {
namespace {

constexpr size_t kWrap = 72;

/// One line: control octets become blanks, bad UTF-8 is mended, length bounded.
std::string clean(std::string_view text, size_t limit = kMaxDsnDiagnostic) {
  std::string out = clean_utf8(text.substr(0, limit));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return out;
}

std::string_view action_name(DsnAction action) {
  switch (action) {
    case DsnAction::failed:
      return "failed";
    case DsnAction::delayed:
      return "delayed";
    case DsnAction::delivered:
      return "delivered";
    case DsnAction::relayed:
      return "relayed";
    case DsnAction::expanded:
      return "expanded";
  }
  return "failed";
}

std::string status_of(const DsnRecipient& recipient) {
  if (EnhancedCode::parse(recipient.status)) return recipient.status;
  if (recipient.action == DsnAction::failed) return "5.0.0";
  return recipient.action == DsnAction::delayed ? "4.0.0" : "2.0.0";
}

/// "Name: text" folded at blanks.
void field(std::string& out, std::string_view name, const std::string& text) {
  std::string line = std::string(name) + ":";
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    if (line.size() + 1 + word.size() > kWrap && line.size() > name.size() + 1) {
      out += line + "\r\n";
      line.clear();
    }
    line += " ";
    line += word;
  }
  out += line + "\r\n";
}

/// RFC 6533 §3: type and address.
std::string typed(const Mailbox& mailbox) {
  return (mailbox.needs_smtputf8() ? "utf-8;" : "rfc822;") + mailbox.to_string();
}

struct Words {
  const char* subject;
  const char* opening;
};

Words words_for(const DsnReport& report) {
  bool failed = false, delayed = false;
  for (const DsnRecipient& r : report.recipients) {
    failed = failed || r.action == DsnAction::failed;
    delayed = delayed || r.action == DsnAction::delayed;
  }
  if (failed)
    return {"Undelivered mail returned to sender",
            "Your message could not be delivered to one or more recipients.\r\n"
            "It has been given up for those listed as failed; nothing more will be tried."};
  if (delayed)
    return {"Delivery of your mail is delayed",
            "Your message has not been delivered yet to one or more recipients.\r\n"
            "You need not send it again: we go on trying."};
  return {"Your mail was delivered", "Your message has been delivered, as you asked to be told."};
}

void human_recipient(std::string& out, const DsnRecipient& r) {
  out += "<" + clean(r.recipient.shown(), kMaxPath * 2) + ">: " + std::string(action_name(r.action)) + "\r\n";
  if (!r.diagnostic.empty()) {
    out += r.remote_mta.empty() ? "    Reason: " : "    " + clean(r.remote_mta, kMaxDomain) + " said: ";
    out += clean(r.diagnostic) + "\r\n";
  }
  if (r.action == DsnAction::delayed && r.will_retry_until_us != 0)
    out += "    We try until " + format_date(r.will_retry_until_us) + "\r\n";
  if (r.action == DsnAction::relayed) out += "    Handed on to a system that sends no further notice.\r\n";
  out += "\r\n";
}

std::string human_part(const DsnReport& report) {
  std::string out = "This is the mail system at " + clean(report.reporting_mta, kMaxDomain) + ".\r\n\r\n";
  out += words_for(report).opening;
  out += "\r\n\r\n";
  for (const DsnRecipient& r : report.recipients) human_recipient(out, r);
  if (!report.trace_id.empty())
    out += "If you ask for help, please mention this id: " + clean(report.trace_id, 100) + "\r\n";
  return out;
}

void status_recipient(std::string& out, const DsnRecipient& r) {
  out += "\r\n";
  if (!r.orcpt_address.empty())
    field(out, "Original-Recipient", clean(r.orcpt_type, 40) + ";" + clean(r.orcpt_address, kMaxPath * 2));
  field(out, "Final-Recipient", typed(r.recipient));
  field(out, "Action", std::string(action_name(r.action)));
  field(out, "Status", status_of(r));
  if (!r.remote_mta.empty()) field(out, "Remote-MTA", "dns;" + clean(r.remote_mta, kMaxDomain));
  if (!r.diagnostic.empty())
    field(out, "Diagnostic-Code",
          (r.remote_mta.empty() ? "x-dromos;" : "smtp;") + (" " + clean(r.diagnostic)));
  if (r.last_attempt_us != 0) field(out, "Last-Attempt-Date", format_date(r.last_attempt_us));
  if (r.action == DsnAction::delayed && r.will_retry_until_us != 0)
    field(out, "Will-Retry-Until", format_date(r.will_retry_until_us));
}

/// RFC 3464 §2: fields per message, then a group per recipient.
std::string status_part(const DsnReport& report) {
  std::string out;
  if (!report.envid.empty())
    field(out, "Original-Envelope-Id", xtext_encode(report.envid.substr(0, kMaxEnvid)));
  field(out, "Reporting-MTA", "dns;" + clean(report.reporting_mta, kMaxDomain));
  if (report.arrival_us != 0) field(out, "Arrival-Date", format_date(report.arrival_us));
  for (const DsnRecipient& r : report.recipients) status_recipient(out, r);
  return out;
}

/// Header section with its last line end, without the empty line; cut at a line's end when too long.
std::string_view header_section(std::string_view message) {
  size_t end = 0;
  while (end < message.size()) {
    const size_t lf = message.find('\n', end);
    const std::string_view line = message.substr(end, lf == std::string_view::npos ? lf : lf - end);
    if (line.empty() || line == "\r") break;
    const size_t next = lf == std::string_view::npos ? message.size() : lf + 1;
    if (next > kMaxDsnHeaders) break;
    end = next;
  }
  return message.substr(0, end);
}

/// The original as it can travel: CR LF line ends, no NUL.
std::string original_part(std::string_view original) {
  std::string out;
  DataEncoder encoder(DataEncoder::Dots::none);
  encoder.feed(original, out);
  encoder.finish(out);
  for (char& c : out)
    if (c == '\0') c = '?';
  return out;
}

/// A line that none of the parts contains.
std::string boundary_for(const DsnReport& report, std::string_view original) {
  std::string boundary;
  for (const char c : report.message_id)
    if (is_alpha(c) || is_digit(c)) boundary.push_back(c);
  boundary = "dsn-" + boundary.substr(0, 40);
  while (original.find(boundary) != std::string_view::npos) boundary += "x";
  return boundary;
}

void part(std::string& out, const std::string& boundary, std::string_view type, bool eight_bit,
          std::string_view body) {
  out += "--" + boundary + "\r\nContent-Type: ";
  out += type;
  out += eight_bit ? "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" : "\r\n\r\n";
  out += body;
  out += "\r\n";
}

std::string header_of(const DsnReport& report, const std::string& boundary) {
  const std::string domain = clean(report.from_domain, kMaxDomain);
  std::string out = "From: Mail Delivery System <MAILER-DAEMON@" + domain + ">\r\n";
  out += "To: <" + report.to.to_string() + ">\r\n";
  out += std::string("Subject: ") + words_for(report).subject + "\r\n";
  out += "Date: " + format_date(report.date_us) + "\r\n";
  out += "Message-ID: <" + clean(report.message_id, kMaxDomain) + ">\r\n";
  out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  return out + "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"" + boundary +
         "\"\r\n\r\n";
}

}  // namespace

DsnMessage build_dsn(const DsnReport& report) {
  const bool full = report.full && report.original.size() <= kMaxDsnOriginal;
  const std::string original =
      original_part(full ? std::string_view(report.original) : header_section(report.original));
  const std::string human = human_part(report);
  const std::string status = status_part(report);
  const std::string boundary = boundary_for(report, original + human + status);
  const bool utf8_status = !is_ascii(status);
  const bool raw_original = !is_ascii(original);
  const bool utf8_header = !is_ascii(header_section(original));

  DsnMessage dsn;
  dsn.needs_smtputf8 = report.to.needs_smtputf8();
  dsn.bytes = header_of(report, boundary);
  part(dsn.bytes, boundary, "text/plain; charset=utf-8", !is_ascii(human), human);
  part(dsn.bytes, boundary, utf8_status ? "message/global-delivery-status" : "message/delivery-status",
       utf8_status, status);
  if (full)
    part(dsn.bytes, boundary, utf8_header ? "message/global" : "message/rfc822", raw_original, original);
  else
    part(dsn.bytes, boundary, utf8_header ? "message/global-headers" : "text/rfc822-headers", raw_original,
         original);
  dsn.bytes += "--" + boundary + "--\r\n";
  dsn.eight_bit = !is_ascii(dsn.bytes);
  return dsn;
}

}  // namespace dromos::smtp
