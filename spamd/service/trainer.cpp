#include "spamd/service/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace dromos::spamd {

namespace {

/// Fixed sequence, the same on every platform (std::shuffle is not).
void shuffle(std::vector<uint32_t>& order, uint64_t& state) {
  for (size_t i = order.size(); i > 1; --i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    std::swap(order[i - 1], order[(state >> 33) % i]);
  }
}

}  // namespace

Example make_example(const Features& features, bool spam, uint64_t group) {
  return {features.tokens.tokens(), rule_prior(features.rules), spam, group};
}

Trainer::Trainer(std::vector<Example> examples, Options options) : options_(options) {
  std::unordered_map<Token, uint32_t> ids;
  rows_.reserve(examples.size());
  for (Example& example : examples) {
    Row row;
    std::sort(example.tokens.begin(), example.tokens.end(), [](Token a, Token b) {
      return group_of(a) != group_of(b) ? group_of(a) < group_of(b) : a < b;
    });
    const auto counts = group_counts(example.tokens);
    for (size_t g = 0; g < kGroups; ++g) row.begin[g + 1] = row.begin[g] + static_cast<uint32_t>(counts[g]);
    row.ids.reserve(example.tokens.size());
    for (const Token token : example.tokens) {
      const auto [place, fresh] = ids.emplace(token, static_cast<uint32_t>(dictionary_.size()));
      if (fresh) dictionary_.push_back(token);
      row.ids.push_back(place->second);
    }
    row.factors = group_factors(counts);
    row.norm = norm_of(counts);
    row.prior = example.prior;
    row.spam = example.spam;
    row.group = example.group;
    rows_.push_back(std::move(row));
    std::vector<Token>().swap(example.tokens);
  }
}

double Trainer::margin(const Row& row, const Fit& fit) const {
  double sum = kPriorBias + row.prior + fit.bias;
  for (size_t g = 0; g < kGroups; ++g) {
    double part = 0;
    for (uint32_t k = row.begin[g]; k < row.begin[g + 1]; ++k) part += fit.weights[row.ids[k]];
    sum += part * row.factors[g];
  }
  return sum;
}

void Trainer::step(const Row& row, double& strength, Fit& fit) const {
  const double sign = row.spam ? 1 : -1;
  const double best = best_strength(sign * margin(row, fit) - strength * row.norm, row.norm);
  const double change = best - strength;
  if (std::abs(change) < 1e-7) return;
  strength = best;
  fit.bias += sign * change;
  for (size_t g = 0; g < kGroups; ++g) {
    const double delta = sign * change * row.factors[g];
    for (uint32_t k = row.begin[g]; k < row.begin[g + 1]; ++k) fit.weights[row.ids[k]] += delta;
  }
}

Trainer::Fit Trainer::fit(const std::function<bool(const Row&)>& use) const {
  Fit fit;
  fit.weights.resize(dictionary_.size());
  fit.strengths.resize(rows_.size());
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    if (use(rows_[i])) order.push_back(i);
  }
  uint64_t state = 1;
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    shuffle(order, state);
    for (const uint32_t i : order) step(rows_[i], fit.strengths[i], fit);
  }
  return fit;
}

std::vector<double> Trainer::cross_validate() {
  std::vector<double> margins(rows_.size());
  const auto folds = static_cast<uint64_t>(std::max(options_.folds, 2));
  for (uint64_t fold = 0; fold < folds; ++fold) {
    const Fit fitted = fit([&](const Row& row) { return row.group % folds != fold; });
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].group % folds == fold) margins[i] = margin(rows_[i], fitted);
    }
  }
  return margins;
}

Model Trainer::train() {
  Model model;
  const Fit fitted = fit([](const Row&) { return true; });
  model.weights = WeightTable(dictionary_.size());
  for (size_t i = 0; i < dictionary_.size(); ++i) {
    model.weights.set(dictionary_[i], static_cast<Weight>(std::lround(fitted.weights[i] / kWeightUnit)));
  }
  model.bias = std::llround(fitted.bias / kWeightUnit);
  model.version = rows_.size();
  if (options_.folds > 1) {
    std::vector<bool> spam;
    for (const Row& row : rows_) spam.push_back(row.spam);
    model.calibration = calibrate(cross_validate(), spam);
  }
  return model;
}

Calibration calibrate(const std::vector<double>& margins, const std::vector<bool>& spam) {
  Calibration result;
  // A weak pull towards the identity keeps few or separable examples from running away.
  constexpr double kPull = 1.0;
  for (int round = 0; round < 50; ++round) {
    double gradient_scale = kPull * (result.scale - 1);
    double gradient_offset = kPull * result.offset;
    double h_ss = kPull;
    double h_so = 0;
    double h_oo = kPull;
    for (size_t i = 0; i < margins.size(); ++i) {
      const double p = sigmoid(result.scale * margins[i] + result.offset);
      const double miss = p - (spam[i] ? 1.0 : 0.0);
      const double curve = p * (1 - p);
      gradient_scale += miss * margins[i];
      gradient_offset += miss;
      h_ss += curve * margins[i] * margins[i];
      h_so += curve * margins[i];
      h_oo += curve;
    }
    const double det = h_ss * h_oo - h_so * h_so;
    if (det < 1e-12) break;
    const double step_scale = (h_oo * gradient_scale - h_so * gradient_offset) / det;
    const double step_offset = (h_ss * gradient_offset - h_so * gradient_scale) / det;
    result.scale = std::clamp(result.scale - std::clamp(step_scale, -0.5, 0.5), 0.05, 20.0);
    result.offset = std::clamp(result.offset - std::clamp(step_offset, -1.0, 1.0), -20.0, 20.0);
    if (std::abs(step_scale) + std::abs(step_offset) < 1e-9) break;
  }
  return result;
}

}  // namespace dromos::spamd
