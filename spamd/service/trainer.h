// Trainer: a model from labelled mail in bulk: the classifier's own learning step, repeated over all messages
// in a fixed shuffled order until it settles, then a calibration from cross validation. Deterministic.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "spamd/service/classifier.h"

namespace dromos::spamd {

struct Example {
  std::vector<Token> tokens;
  double prior = 0;  ///< sum of the priors of its rules
  bool spam = false;
  uint64_t group = 0;  ///< near-duplicates share one: they stay on one side of a cross validation
};
Example make_example(const Features& features, bool spam, uint64_t group);

class Trainer {
 public:
  struct Options {
    int epochs = 12;  ///< 1: what learning one message after the other gives
    int folds = 5;    ///< for calibration; 0: none
  };
  Trainer(std::vector<Example> examples, Options options);

  Model train();
  /// Margins of each example under models trained without its fold, in order.
  std::vector<double> cross_validate();

 private:
  struct Row {
    std::vector<uint32_t> ids;                  ///< sorted by group
    std::array<uint32_t, kGroups + 1> begin{};  ///< ids of group g: [begin[g], begin[g + 1])
    GroupFactors factors{};
    double norm = 0;
    double prior = 0;
    bool spam = false;
    uint64_t group = 0;
  };
  struct Fit {
    std::vector<double> weights;
    std::vector<double> strengths;  ///< by row
    double bias = 0;
  };
  Fit fit(const std::function<bool(const Row&)>& use) const;
  double margin(const Row& row, const Fit& fit) const;
  void step(const Row& row, double& strength, Fit& fit) const;

  Options options_;
  std::vector<Row> rows_;
  std::vector<Token> dictionary_;
};

/// Scale and offset that make sigmoid(scale * margin + offset) the share of spam (Platt), by Newton's method.
/// Scale stays positive: calibration never changes the order of messages.
Calibration calibrate(const std::vector<double>& margins, const std::vector<bool>& spam);

}  // namespace dromos::spamd
