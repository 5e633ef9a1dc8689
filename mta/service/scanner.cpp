#include "mta/service/scanner.h"

#include <dromos/spam/v1/spam.pb.h>

#include "common/log/log.h"
#include "common/smtp/address.h"
#include "mta/service/metrics.h"

namespace dromos::mta {
namespace {

namespace proto = dromos::spam::v1;

/// Larger messages go as header and the beginning of the body.
constexpr size_t kWholeMessage = 512 * 1024;
constexpr size_t kTextOfLarge = 256 * 1024;
constexpr size_t kMaxHeader = 1024 * 1024;
constexpr int kShownFacts = 8;

void fill_message(proto::Message& message, std::string_view content) {
  if (content.size() <= kWholeMessage) {
    message.set_raw(content.data(), content.size());
    return;
  }
  size_t header = content.substr(0, kMaxHeader).find("\r\n\r\n");
  header = header == std::string_view::npos ? 0 : header + 4;
  message.set_header(content.data(), header);
  const std::string_view text = content.substr(header, kTextOfLarge);
  message.set_text(text.data(), text.size());
}

proto::ScanRequest request_of(const Envelope& envelope, std::string_view content) {
  proto::ScanRequest request;
  fill_message(*request.mutable_message(), content);
  proto::Envelope& out = *request.mutable_envelope();
  if (envelope.mail.from)
    out.set_mail_from(envelope.mail.from->to_string());
  else
    out.set_mail_from_null(true);
  for (const AcceptedRecipient& recipient : envelope.recipients) {
    out.add_rcpt_to(recipient.rcpt.to.to_string());
    for (const directory::Recipient& target : recipient.targets)
      if (!target.is_remote()) request.add_account_ids(target.account.value);
  }
  out.set_client_ip(envelope.peer.ip);
  out.set_helo(envelope.peer.helo);
  out.set_tls(envelope.peer.tls);
  if (envelope.user) out.set_auth_user(envelope.user->login);
  const auto& id = envelope.trace.value.bytes;
  request.set_trace_id(id.data(), id.size());
  return request;
}

std::string_view name_of(proto::Verdict verdict) {
  if (verdict == proto::VERDICT_SPAM) return "spam";
  return verdict == proto::VERDICT_UNSURE ? "unsure" : "ham";
}

}  // namespace

Task<Verdict> Scanner::scan(const Envelope& envelope, std::string_view content) {
  const auto begun = std::chrono::steady_clock::now();
  const proto::ScanRequest request = request_of(envelope, content);
  auto answer = co_await client_.call<proto::ScanResponse>("/dromos.spam.v1.Spam/Scan", request,
                                                           Deadline::after(timeout_));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  metrics::scan_seconds().observe(took.count());
  Verdict verdict;
  if (!answer) {
    static log::RateLimit limit(5, seconds(10));
    if (uint64_t skipped = 0; limit.allow(skipped))
      log::warn("scan.failed",
                {{"trace", envelope.trace}, {"err", answer.error()}, {"ms", took}, {"skipped", skipped}});
  } else {
    verdict.scanned = true;
    verdict.score = answer->score();
    verdict.probability = answer->probability();
    verdict.name = name_of(answer->verdict());
    verdict.spam = answer->verdict() == proto::VERDICT_SPAM;
    for (int i = 0; i < answer->facts_size() && i < kShownFacts; ++i) {
      if (i > 0) verdict.facts += ',';
      verdict.facts += answer->facts(i).name().substr(0, 64);
    }
  }
  metrics::scans(verdict.name).add();
  co_return verdict;
}

}  // namespace dromos::mta
