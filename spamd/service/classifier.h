// Classifier: regularised logistic regression over tokens, kept as a sum so that it can be learned a message
// at a time, by several nodes, and forgotten again.
//
// Each learned message i has a strength a_i in [0, kMaxStrength]; the weights are the sum of a_i * y_i * x_i
// (the dual form). Learning a message solves for its own a_i and adds; adding commutes, so the store may sum
// updates of several nodes; forgetting subtracts the same. A message the model already judges rightly with a
// wide margin gets a small a_i. Bulk training (trainer.h) repeats the same step over all messages until none
// changes.
//
// score (log-odds) = calibration.scale * (bias + priors of rules + learned weights) + calibration.offset; it
// is the sum of the reported facts plus a constant. Pure; no I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "spamd/service/features.h"
#include "spamd/service/weight_table.h"

namespace dromos::spamd {

/// Bound of one message's influence.
inline constexpr double kMaxStrength = 16.0;
/// Log-odds of spam before anything is known of a message.
inline constexpr double kPriorBias = -3.0;

enum class Label : uint8_t { ham = 1, spam = 2 };

struct Calibration {
  double scale = 1.0;
  double offset = 0.0;
};

struct Thresholds {
  double unsure = 0.5;
  double spam = 0.9;
};

enum class Verdict : uint8_t { ham = 1, unsure = 2, spam = 3 };

struct Fact {
  std::string name;
  double weight = 0;
  std::string description;
  std::string detail;
};

struct Score {
  double probability = 0;
  double log_odds = 0;
  double bias = 0;          ///< log_odds less the sum of all facts
  std::vector<Fact> facts;  ///< strongest first
};

/// How much one token of each group weighs in a message with those tokens.
using GroupFactors = std::array<double, kGroups>;
GroupFactors group_factors(const std::array<size_t, kGroups>& counts);
std::array<size_t, kGroups> group_counts(const std::vector<Token>& tokens);
double rule_prior(const std::vector<RuleHit>& rules);
double sigmoid(double x);

/// What learning one message adds: to the bias, and to each of its tokens by group. In units of kWeightUnit;
/// stored, so that forgetting can take back exactly the same.
struct Update {
  int64_t bias = 0;
  std::array<Weight, kGroups> delta{};
  Update negated() const;
  bool operator==(const Update&) const = default;
};

class Model {
 public:
  double margin(const Features& features) const;
  Score score(const Features& features) const;

  double bias_log_odds() const { return kPriorBias + static_cast<double>(bias) * kWeightUnit; }

  /// The update that teaches `label`; does not apply it.
  Update learn(const Features& features, Label label) const;
  static Update update_of(const std::vector<Token>& tokens, Label label, double strength);
  void apply(const std::vector<Token>& tokens, const Update& update);

  WeightTable weights;
  int64_t bias = 0;  ///< learned part, on top of kPriorBias; units of kWeightUnit
  Calibration calibration;
  uint64_t version = 0;
};

Verdict verdict_of(double probability, const Thresholds& thresholds);

/// Strength in [0, kMaxStrength] that is best for a message whose margin (signed by its label, without its
/// own part) is `margin` and whose squared length is `norm`. Falls with the margin. Squared length of a
/// message's vector, bias included.
double norm_of(const std::array<size_t, kGroups>& counts);
double best_strength(double margin, double norm, double max_strength = kMaxStrength);

}  // namespace dromos::spamd
