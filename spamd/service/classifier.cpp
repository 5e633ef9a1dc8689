#include "spamd/service/classifier.h"

#include <algorithm>
#include <cmath>

namespace dromos::spamd {
namespace {

/// Chosen by cross validation on labelled mail (tests/bench/spam_eval).
constexpr std::array<double, kGroups> kGroupScale = {3.0, 3.0, 2.0, 1.5, 1.2, 2.0, 0.7, 0.6};
/// Messages with few tokens of a group do not make each of them loud.
constexpr std::array<size_t, kGroups> kGroupFloor = {20, 20, 6, 12, 4, 6, 8, 1};

constexpr std::array<const char*, kGroups> kGroupNames = {
    "TEXT_WORDS", "TEXT_PAIRS", "SUBJECT_WORDS", "HEADER_STYLE", "SENDER", "LINKS", "STRUCTURE", "RULES"};
constexpr std::array<const char*, kGroups> kGroupDescriptions = {
    "learned weight of the words of the text",
    "learned weight of word pairs in the text",
    "learned weight of the subject and the sender's name",
    "learned weight of how the header is written",
    "learned weight of the sender's address",
    "learned weight of the links",
    "learned weight of the MIME structure",
    "learned weight of rules"};

std::array<double, kGroups> group_sums(const WeightTable& weights, const TokenSet& set) {
  std::array<int64_t, kGroups> units{};
  const std::vector<Token>& tokens = set.tokens();
  constexpr size_t kAhead = 12;
  for (size_t i = 0; i < std::min(kAhead, tokens.size()); ++i) weights.prefetch(tokens[i]);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i + kAhead < tokens.size()) weights.prefetch(tokens[i + kAhead]);
    units[static_cast<size_t>(group_of(tokens[i]))] += weights.get(tokens[i]);
  }
  std::array<size_t, kGroups> counts{};
  for (size_t g = 0; g < kGroups; ++g) counts[g] = set.count_of(static_cast<Group>(g));
  const GroupFactors factors = group_factors(counts);
  std::array<double, kGroups> sums{};
  for (size_t g = 0; g < kGroups; ++g) sums[g] = static_cast<double>(units[g]) * kWeightUnit * factors[g];
  return sums;
}

std::string token_counts(const TokenSet& tokens, Group group) {
  return std::to_string(tokens.count_of(group)) + " tokens";
}

}  // namespace

double sigmoid(double x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}

double rule_prior(const std::vector<RuleHit>& rules) {
  double sum = 0;
  for (const RuleHit& hit : rules) sum += hit.rule->prior;
  return sum;
}

std::array<size_t, kGroups> group_counts(const std::vector<Token>& tokens) {
  std::array<size_t, kGroups> counts{};
  for (const Token token : tokens) ++counts[static_cast<size_t>(group_of(token)) % kGroups];
  return counts;
}

GroupFactors group_factors(const std::array<size_t, kGroups>& counts) {
  GroupFactors factors{};
  for (size_t g = 0; g < kGroups; ++g) {
    // Rules are named one by one and few: each keeps its weight however many hold.
    const size_t count = static_cast<Group>(g) == Group::rule ? 1 : std::max(counts[g], kGroupFloor[g]);
    factors[g] = kGroupScale[g] / std::sqrt(static_cast<double>(count));
  }
  return factors;
}

double norm_of(const std::array<size_t, kGroups>& counts) {
  const GroupFactors factors = group_factors(counts);
  double norm = 1;
  for (size_t g = 0; g < kGroups; ++g) norm += factors[g] * factors[g] * static_cast<double>(counts[g]);
  return norm;
}

double best_strength(double margin, double norm, double max_strength) {
  // Root of f(u) = margin + a(u) * norm + u, with a(u) = max_strength * sigmoid(u): increasing in u.
  double low = -60;
  double high = 60;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    if (margin + max_strength * sigmoid(middle) * norm + middle > 0) {
      high = middle;
    } else {
      low = middle;
    }
  }
  return max_strength * sigmoid((low + high) / 2);
}

double Model::margin(const Features& features) const {
  double sum = bias_log_odds() + rule_prior(features.rules);
  for (const double part : group_sums(weights, features.tokens)) sum += part;
  return sum;
}

Score Model::score(const Features& features) const {
  Score score;
  score.bias = calibration.scale * bias_log_odds() + calibration.offset;
  std::array<double, kGroups> sums = group_sums(weights, features.tokens);
  const double rule_factor = kGroupScale[static_cast<size_t>(Group::rule)];
  for (const RuleHit& hit : features.rules) {
    const Token token = make_token(Group::rule, hash_bytes(hit.rule->name, hash_bytes("rule:")));
    const double learned = rule_factor * kWeightUnit * static_cast<double>(weights.get(token));
    score.facts.push_back({std::string(hit.rule->name), calibration.scale * (hit.rule->prior + learned),
                           std::string(hit.rule->description), hit.detail});
  }
  sums[static_cast<size_t>(Group::rule)] = 0;
  for (size_t g = 0; g < kGroups; ++g) {
    if (sums[g] == 0) continue;
    score.facts.push_back({kGroupNames[g], calibration.scale * sums[g], kGroupDescriptions[g],
                           token_counts(features.tokens, static_cast<Group>(g))});
  }
  std::sort(score.facts.begin(), score.facts.end(), [](const Fact& a, const Fact& b) {
    const double left = std::abs(a.weight);
    const double right = std::abs(b.weight);
    return left != right ? left > right : a.name < b.name;
  });
  score.log_odds = score.bias;
  for (const Fact& fact : score.facts) score.log_odds += fact.weight;
  score.probability = sigmoid(score.log_odds);
  return score;
}

Update Update::negated() const {
  Update other = *this;
  other.bias = -other.bias;
  for (Weight& weight : other.delta) weight = -weight;
  return other;
}

Update Model::update_of(const std::vector<Token>& tokens, Label label, double strength) {
  const GroupFactors factors = group_factors(group_counts(tokens));
  const double signed_units = (label == Label::spam ? strength : -strength) / kWeightUnit;
  Update update;
  update.bias = std::llround(signed_units);
  for (size_t g = 0; g < kGroups; ++g)
    update.delta[g] = static_cast<Weight>(std::lround(signed_units * factors[g]));
  return update;
}

Update Model::learn(const Features& features, Label label) const {
  const std::vector<Token>& tokens = features.tokens.tokens();
  const double sign = label == Label::spam ? 1 : -1;
  return update_of(tokens, label, best_strength(sign * margin(features), norm_of(group_counts(tokens))));
}

void Model::apply(const std::vector<Token>& tokens, const Update& update) {
  for (const Token token : tokens)
    weights.add(token, update.delta[static_cast<size_t>(group_of(token)) % kGroups]);
  bias += update.bias;
}

Verdict verdict_of(double probability, const Thresholds& thresholds) {
  return probability >= thresholds.spam     ? Verdict::spam
         : probability >= thresholds.unsure ? Verdict::unsure
                                            : Verdict::ham;
}

}  // namespace dromos::spamd
