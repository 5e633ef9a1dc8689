#include "spamd/service/engine.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

namespace dromos::spamd {

ScanResult Engine::judge(const Features& features) const {
  ScanResult result;
  result.score = model_.score(features);
  result.verdict = verdict_of(result.score.probability, options_.thresholds);
  result.model_version = model_.version;
  return result;
}

ScanResult Engine::scan(std::string_view raw, const Envelope& envelope) const {
  const Features features = extract(raw.substr(0, options_.scan_size), envelope);
  const std::shared_lock lock(mutex_);
  return judge(features);
}

Explanation Engine::explain(std::string_view raw, const Envelope& envelope, size_t max_tokens) const {
  const Features features = extract(raw.substr(0, options_.scan_size), envelope, true);
  const std::vector<Token>& tokens = features.tokens.tokens();
  const GroupFactors factors = group_factors(group_counts(tokens));
  Explanation out;
  out.token_count = tokens.size();
  const std::shared_lock lock(mutex_);
  out.result = judge(features);
  for (const Token token : tokens) {
    if (!model_.weights.contains(token)) continue;
    ++out.known_count;
    const double factor =
        factors[static_cast<size_t>(group_of(token))] * kWeightUnit * model_.calibration.scale;
    out.tokens.push_back({token, {}, factor * static_cast<double>(model_.weights.get(token))});
  }
  const auto stronger = [](const ExplainedToken& a, const ExplainedToken& b) {
    const double left = std::abs(a.weight);
    const double right = std::abs(b.weight);
    return left != right ? left > right : a.token < b.token;
  };
  std::sort(out.tokens.begin(), out.tokens.end(), stronger);
  if (out.tokens.size() > max_tokens) out.tokens.resize(max_tokens);
  for (ExplainedToken& token : out.tokens) token.text = features.tokens.text_of(token.token);
  return out;
}

Lesson Engine::lesson(std::string_view raw, const Envelope& envelope, Label label) const {
  const Features features = extract(raw.substr(0, options_.scan_size), envelope);
  const std::shared_lock lock(mutex_);
  return {features.tokens.tokens(), model_.learn(features, label)};
}

uint64_t Engine::version() const {
  const std::shared_lock lock(mutex_);
  return model_.version;
}

size_t Engine::memory_bytes() const {
  const std::shared_lock lock(mutex_);
  return model_.weights.memory_bytes();
}

void Engine::replace(Model model) {
  const std::unique_lock lock(mutex_);
  model_ = std::move(model);
}

bool Engine::apply(const std::vector<Event>& events) {
  const std::unique_lock lock(mutex_);
  for (const Event& event : events) {
    if (event.version <= model_.version) continue;
    if (event.version != model_.version + 1) return false;
    model_.apply(event.tokens, event.update);
    model_.version = event.version;
  }
  return true;
}

}  // namespace dromos::spamd
