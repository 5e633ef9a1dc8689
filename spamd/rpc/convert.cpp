#include "spamd/rpc/convert.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"
#include "dromos/spam/v1/spam.pb.h"

namespace dromos::spamd {

namespace {
constexpr size_t kIdBytes = 16;
}

Result<std::string> take_message(spam::v1::Message& message) {
  std::string raw = std::move(*message.mutable_raw());
  if (raw.empty()) {
    raw = std::move(*message.mutable_header());
    // Without its blank line the text would be read as fields.
    if (!raw.empty() && !raw.ends_with("\n\n") && !raw.ends_with("\n\r\n"))
      raw.append(raw.ends_with('\n') ? "\n" : "\n\n");
    raw.append(message.text());
  }
  if (raw.empty()) return fail(Errc::invalid_argument, "the request holds no message");
  if (raw.size() > kMaxMessage) return fail(Errc::limit_exceeded, "the message is larger than 64 MiB");
  return raw;
}

Result<void> check_trace_id(const std::string& bytes) {
  if (bytes.empty() || bytes.size() == kIdBytes) return {};
  return fail(Errc::invalid_argument, "trace_id must be 16 bytes");
}

Envelope take_envelope(const spam::v1::Envelope& in) {
  Envelope out;
  out.mail_from = in.mail_from();
  out.mail_from_null = in.mail_from_null();
  for (int i = 0; i < std::min(in.rcpt_to_size(), kMaxRecipients); ++i) out.rcpt_to.push_back(in.rcpt_to(i));
  out.client_ip = in.client_ip();
  out.client_name = in.client_name();
  out.helo = in.helo();
  out.auth_user = in.auth_user();
  out.tls = in.tls();
  return out;
}

Result<Teaching> take_teaching(const spam::v1::LearnRequest& request) {
  TRY_VOID(check_trace_id(request.trace_id()));
  Teaching teaching;
  if (request.learn_id().size() != kIdBytes) return fail(Errc::invalid_argument, "learn_id must be 16 bytes");
  std::copy(request.learn_id().begin(), request.learn_id().end(), teaching.learn_id.bytes.begin());
  if (request.account_id() < 0) return fail(Errc::invalid_argument, "account_id is negative");
  teaching.account = {request.account_id()};
  teaching.forget = request.forget();
  switch (request.label()) {
    case spam::v1::LABEL_HAM:
      teaching.label = Label::ham;
      break;
    case spam::v1::LABEL_SPAM:
      teaching.label = Label::spam;
      break;
    default:
      if (!teaching.forget) return fail(Errc::invalid_argument, "label must be ham or spam");
  }
  return teaching;
}

void write_result(const ScanResult& result, spam::v1::ScanResponse& out) {
  out.set_probability(result.score.probability);
  out.set_score(result.score.log_odds);
  out.set_bias(result.score.bias);
  out.set_model_version(result.model_version);
  switch (result.verdict) {
    case Verdict::ham:
      out.set_verdict(spam::v1::VERDICT_HAM);
      break;
    case Verdict::unsure:
      out.set_verdict(spam::v1::VERDICT_UNSURE);
      break;
    case Verdict::spam:
      out.set_verdict(spam::v1::VERDICT_SPAM);
      break;
  }
  for (const Fact& fact : result.score.facts) {
    auto& to = *out.add_facts();
    to.set_name(fact.name);
    to.set_weight(fact.weight);
    to.set_description(fact.description);
    to.set_detail(clean_utf8(fact.detail));
  }
}

}  // namespace dromos::spamd
