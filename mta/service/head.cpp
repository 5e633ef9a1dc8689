#include "mta/service/head.h"

#include <cstdio>

#include "common/base/strings.h"
#include "common/mime/header.h"
#include "common/smtp/trace.h"

namespace dromos::mta {
namespace {

/// As far as fields are looked for.
constexpr size_t kMaxHeaderLooked = 1024 * 1024;

std::string spam_status(const Verdict& verdict) {
  if (!verdict.scanned) return "X-Spam-Status: unscanned\r\n";
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "score=%.2f probability=%.4f", verdict.score, verdict.probability);
  std::string out = std::string("X-Spam-Status: ") + (verdict.spam ? "Yes, " : "No, ") + numbers +
                    " verdict=" + std::string(verdict.name) + "\r\n";
  if (!verdict.facts.empty()) out.insert(out.size() - 2, "\r\n facts=" + verdict.facts);
  return out;
}

std::string received(const Envelope& envelope, std::string_view hostname, int64_t now_us) {
  smtp::ReceivedInfo info;
  info.helo = envelope.peer.helo;
  info.client_ip = envelope.peer.ip;
  info.by = hostname;
  info.lmtp = envelope.kind == Kind::lmtp;
  info.esmtp = envelope.peer.esmtp;
  info.smtputf8 = envelope.mail.smtputf8;
  info.tls = envelope.peer.tls;
  info.tls_version = envelope.peer.tls_version;
  info.tls_cipher = envelope.peer.tls_cipher;
  info.authenticated = envelope.user.has_value();
  info.id = to_text(envelope.trace);
  if (envelope.recipients.size() == 1) info.recipient = envelope.recipients[0].rcpt.to;
  info.time_us = now_us;
  return smtp::received_header(info);
}

}  // namespace

bool begins_with_header(std::string_view content) {
  if (content.empty() || content.starts_with("\r\n")) return true;
  for (size_t i = 0; i < content.size(); ++i) {
    const char c = content[i];
    if (c == ':') return i > 0;
    if (c == ' ' || c == '\t') {
      // RFC 5322 §4.5: blanks before the colon.
      const size_t next = content.find_first_not_of(" \t", i);
      return i > 0 && next != std::string_view::npos && content[next] == ':';
    }
    if (c < 33 || c > 126) return false;
  }
  return false;
}

uint64_t header_size_of(std::string_view message) {
  if (message.starts_with("\r\n")) return 2;
  const size_t end = message.find("\r\n\r\n");
  return end == std::string_view::npos ? message.size() : end + 4;
}

Head make_head(const Envelope& envelope, const Verdict& verdict, std::string_view hostname,
               std::string_view content, int64_t now_us) {
  Head head;
  head.return_path = smtp::return_path_header(envelope.mail.from);
  head.fields = received(envelope, hostname, now_us) + spam_status(verdict);
  if (envelope.kind == Kind::submission) {
    const std::string_view header = content.substr(0, kMaxHeaderLooked);
    if (!mime::find_field(header, "Date")) head.fields += "Date: " + smtp::format_date(now_us) + "\r\n";
    if (!mime::find_field(header, "Message-ID"))
      head.fields += "Message-ID: <" + to_text(envelope.trace) + "@" + std::string(hostname) + ">\r\n";
  }
  if (!begins_with_header(content)) head.fields += "\r\n";
  return head;
}

}  // namespace dromos::mta
