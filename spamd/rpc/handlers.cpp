#include "spamd/rpc/handlers.h"

#include <algorithm>
#include <utility>

#include "common/async/offload.h"
#include "common/base/strings.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "dromos/spam/v1/spam.pb.h"
#include "spamd/rpc/convert.h"

namespace dromos::spamd {
namespace {

namespace pb = spam::v1;

metrics::Counter& scans(Verdict verdict) {
  static metrics::Counter& ham =
      metrics::counter("dromos_spamd_scans_total", "Messages scanned.", {{"verdict", "ham"}});
  static metrics::Counter& unsure =
      metrics::counter("dromos_spamd_scans_total", "Messages scanned.", {{"verdict", "unsure"}});
  static metrics::Counter& junk =
      metrics::counter("dromos_spamd_scans_total", "Messages scanned.", {{"verdict", "spam"}});
  return verdict == Verdict::ham ? ham : verdict == Verdict::unsure ? unsure : junk;
}

metrics::Counter& lessons() {
  static metrics::Counter& counter =
      metrics::counter("dromos_spamd_lessons_total", "Messages learned or forgotten.");
  return counter;
}

}  // namespace

void Handlers::add_to(rpc::Server& server) {
  server.add(
      "/dromos.spam.v1.Spam/Scan", {"mta", "jmapd", "admind"},
      rpc::unary<pb::ScanRequest, pb::ScanResponse>([this](rpc::CallInfo info, pb::ScanRequest request) {
        return scan(std::move(info), std::move(request));
      }));
  server.add(
      "/dromos.spam.v1.Spam/Learn", {"mta", "imapd", "jmapd", "admind"},
      rpc::unary<pb::LearnRequest, pb::LearnResponse>([this](rpc::CallInfo info, pb::LearnRequest request) {
        return learn(std::move(info), std::move(request));
      }));
  server.add("/dromos.spam.v1.Spam/Explain", {"jmapd", "admind"},
             rpc::unary<pb::ExplainRequest, pb::ExplainResponse>(
                 [this](rpc::CallInfo info, pb::ExplainRequest request) {
                   return explain(std::move(info), std::move(request));
                 }));
}

Task<Result<ScanResult>> Handlers::judge(std::string raw, Envelope envelope) {
  if (raw.size() <= kInlineBytes) co_return engine_.scan(raw, envelope);
  if (offloaded_ >= kMaxOffloaded)
    co_return fail(Errc::unavailable, "too many scans at once", Retry::temporary);
  ++offloaded_;
  auto work = [engine = &engine_, raw = std::move(raw), envelope = std::move(envelope)] {
    return engine->scan(raw, envelope);
  };
  auto task = offload(std::move(work));
  ScanResult result = co_await std::move(task);
  --offloaded_;
  co_return result;
}

Task<Result<pb::ScanResponse>> Handlers::scan(rpc::CallInfo info, pb::ScanRequest request) {
  CO_TRY_VOID(check_trace_id(request.trace_id()));
  CO_TRY(std::string raw, take_message(*request.mutable_message()));
  Envelope envelope = take_envelope(request.envelope());
  CO_TRY(const ScanResult result, co_await judge(std::move(raw), std::move(envelope)));
  scans(result.verdict).add();
  pb::ScanResponse response;
  write_result(result, response);
  co_return response;
}

Task<Result<pb::LearnResponse>> Handlers::learn(rpc::CallInfo info, pb::LearnRequest request) {
  CO_TRY(const Teaching teaching, take_teaching(request));
  // A lesson is measured against what is known now: not knowing the store's model would teach too much.
  CO_TRY_VOID(co_await follower_.catch_up(info.deadline));
  Outcome outcome;
  if (teaching.forget) {
    CO_TRY(outcome, co_await store_.forget(teaching.learn_id, teaching.account, info.deadline));
  } else {
    CO_TRY(std::string raw, take_message(*request.mutable_message()));
    const Envelope envelope = take_envelope(request.envelope());
    const Label label = teaching.label;
    auto work = [engine = &engine_, raw = std::move(raw), envelope, label] {
      return engine->lesson(raw, envelope, label);
    };
    auto task = offload(std::move(work));
    const Lesson lesson = co_await std::move(task);
    CO_TRY(outcome, co_await store_.learn(teaching.learn_id, teaching.account, label, lesson, info.deadline));
  }
  if (outcome.changed) {
    lessons().add();
    // Committed; a failure to follow at once only means that the next poll does it.
    const Result<void> followed = co_await follower_.catch_up(info.deadline);
    if (!followed) log::warn("model.stale", {{"err", followed.error()}});
  }
  pb::LearnResponse response;
  response.set_changed(outcome.changed);
  response.set_model_version(outcome.version);
  co_return response;
}

Task<Result<pb::ExplainResponse>> Handlers::explain(rpc::CallInfo info, pb::ExplainRequest request) {
  CO_TRY(std::string raw, take_message(*request.mutable_message()));
  Envelope envelope = take_envelope(request.envelope());
  const size_t limit =
      request.max_tokens() == 0 ? kDefaultTokens : std::min<size_t>(request.max_tokens(), kMaxTokens);
  auto work = [engine = &engine_, raw = std::move(raw), envelope = std::move(envelope), limit] {
    return engine->explain(raw, envelope, limit);
  };
  auto task = offload(std::move(work));
  const Explanation explanation = co_await std::move(task);
  // Counts are decoration: without the store the answer goes without them.
  auto counts = co_await store_.counts(explanation.tokens, info.deadline);
  pb::ExplainResponse response;
  write_result(explanation.result, *response.mutable_result());
  response.set_token_count(static_cast<uint32_t>(explanation.token_count));
  response.set_known_count(static_cast<uint32_t>(explanation.known_count));
  for (const ExplainedToken& token : explanation.tokens) {
    auto& out = *response.add_tokens();
    out.set_text(clean_utf8(token.text));
    out.set_weight(token.weight);
    if (!counts) continue;
    const TokenCount count = (*counts)[token.token];
    out.set_ham(count.ham);
    out.set_spam(count.spam);
  }
  co_return response;
}

}  // namespace dromos::spamd
