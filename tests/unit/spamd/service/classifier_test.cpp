#include "spamd/service/classifier.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "spamd/service/engine.h"
#include "spamd/service/trainer.h"
#include "tests/unit/spamd/service/sample_mail.h"

using namespace dromos;
using namespace dromos::spamd;

namespace {

Model taught(unsigned count) {
  Model model;
  for (unsigned i = 0; i < count; ++i) {
    for (const Label label : {Label::spam, Label::ham}) {
      const Features features = extract(label == Label::spam ? sample::spam(i) : sample::ham(i), {});
      model.apply(features.tokens.tokens(), model.learn(features, label));
    }
  }
  return model;
}

std::map<Token, Weight> contents(const Model& model) {
  std::map<Token, Weight> all;
  model.weights.for_each([&](Token token, Weight weight) {
    if (weight != 0) all[token] = weight;
  });
  return all;
}

}  // namespace

TEST_CASE("A few messages of each kind teach to tell unseen ones apart", "[unit][spamd]") {
  const Model model = taught(8);
  for (unsigned i = 100; i < 120; ++i) {
    CHECK(model.score(extract(sample::spam(i), {})).probability > 0.9);
    CHECK(model.score(extract(sample::ham(i), {})).probability < 0.1);
  }
}

TEST_CASE("Learning one message moves it across the line", "[unit][spamd]") {
  Model model;
  const Features features = extract(sample::ham(1), {});
  REQUIRE(model.score(features).probability < 0.5);
  model.apply(features.tokens.tokens(), model.learn(features, Label::spam));
  REQUIRE(model.score(features).probability > 0.9);
}

TEST_CASE("Forgetting takes back exactly what learning gave, in any order", "[unit][spamd]") {
  Model model = taught(5);
  const auto before = contents(model);
  const int64_t bias = model.bias;
  const Features first = extract(sample::spam(50), {});
  const Features second = extract(sample::ham(51), {});
  const Update one = model.learn(first, Label::spam);
  model.apply(first.tokens.tokens(), one);
  const Update two = model.learn(second, Label::ham);
  model.apply(second.tokens.tokens(), two);
  REQUIRE(contents(model) != before);
  model.apply(first.tokens.tokens(), one.negated());
  model.apply(second.tokens.tokens(), two.negated());
  REQUIRE(contents(model) == before);
  REQUIRE(model.bias == bias);
}

TEST_CASE("Events give the same model in whatever order nodes see their tokens", "[unit][spamd]") {
  const Features a = extract(sample::spam(1), {});
  const Features b = extract(sample::ham(2), {});
  const Model empty;
  const Update ua = empty.learn(a, Label::spam);
  const Update ub = empty.learn(b, Label::ham);
  Model one;
  one.apply(a.tokens.tokens(), ua);
  one.apply(b.tokens.tokens(), ub);
  Model two;
  two.apply(b.tokens.tokens(), ub);
  two.apply(a.tokens.tokens(), ua);
  REQUIRE(contents(one) == contents(two));
  REQUIRE(one.score(a).log_odds == two.score(a).log_odds);
}

TEST_CASE("The facts and the bias sum to the score", "[unit][spamd]") {
  Model model = taught(4);
  model.calibration = {0.8, -0.3};
  for (const std::string& raw : {sample::spam(9), sample::ham(9), std::string("x")}) {
    const Features features = extract(raw, {});
    const Score score = model.score(features);
    double sum = score.bias;
    for (const Fact& fact : score.facts) sum += fact.weight;
    REQUIRE(sum == Approx(score.log_odds));
    REQUIRE(score.log_odds == Approx(0.8 * model.margin(features) - 0.3));
    REQUIRE(score.probability == Approx(1 / (1 + std::exp(-score.log_odds))));
  }
}

TEST_CASE("What the model already knows well teaches little", "[unit][spamd]") {
  REQUIRE(best_strength(-5, 30) > best_strength(0, 30));
  REQUIRE(best_strength(0, 30) > best_strength(5, 30));
  REQUIRE(best_strength(20, 30) < 1e-6);
  REQUIRE(best_strength(-1e9, 30) <= kMaxStrength);
}

TEST_CASE("Weights stop at the ends of their range", "[unit][spamd]") {
  REQUIRE(add_weights(2147483647, 1) == 2147483647);
  REQUIRE(add_weights(-2147483647 - 1, -1) == -2147483647 - 1);
  REQUIRE(add_weights(5, -7) == -2);
}

TEST_CASE("Bulk training is deterministic and calibration keeps the order of messages", "[unit][spamd]") {
  std::vector<Example> examples;
  for (unsigned i = 0; i < 30; ++i) {
    examples.push_back(make_example(extract(sample::spam(i), {}), true, i));
    examples.push_back(make_example(extract(sample::ham(i), {}), false, i + 1000));
  }
  const Model one = Trainer(examples, {}).train();
  const Model two = Trainer(examples, {}).train();
  REQUIRE(contents(one) == contents(two));
  REQUIRE(one.calibration.scale == two.calibration.scale);
  REQUIRE(one.calibration.scale > 0);
  REQUIRE(one.score(extract(sample::spam(77), {})).probability > 0.9);
  REQUIRE(one.score(extract(sample::ham(77), {})).probability < 0.1);
}

TEST_CASE("Calibration finds the slope the margins were made with", "[unit][spamd]") {
  std::vector<double> margins;
  std::vector<bool> spam;
  for (int i = 0; i < 4000; ++i) {
    const double margin = (i % 200 - 100) / 10.0;
    margins.push_back(margin);
    // Of messages at a margin, the share sigmoid(margin / 2 + 1) is spam.
    const double share = 1 / (1 + std::exp(-(margin / 2 + 1)));
    spam.push_back((i / 200 + 0.5) / 20 < share);
  }
  const Calibration found = calibrate(margins, spam);
  REQUIRE(found.scale == Approx(0.5).margin(0.06));
  REQUIRE(found.offset == Approx(1).margin(0.15));
}

TEST_CASE("Calibration of separable or no examples stays finite", "[unit][spamd]") {
  REQUIRE(calibrate({}, {}).scale == Approx(1));
  const Calibration found = calibrate({-9, -8, 8, 9}, {false, false, true, true});
  REQUIRE(found.scale > 0);
  REQUIRE(found.scale <= 20);
}

TEST_CASE("An engine applies events once and in order, and says when one is missing", "[unit][spamd]") {
  Engine engine({});
  const Lesson lesson = engine.lesson(sample::spam(1), {}, Label::spam);
  const Event first{1, lesson.tokens, lesson.update};
  const Event third{3, lesson.tokens, lesson.update};
  REQUIRE(engine.apply({first}));
  const double once = engine.scan(sample::spam(1), {}).score.log_odds;
  REQUIRE(engine.apply({first}));
  REQUIRE(engine.scan(sample::spam(1), {}).score.log_odds == once);
  REQUIRE_FALSE(engine.apply({third}));
  REQUIRE(engine.version() == 1);
}

TEST_CASE("An explanation names the tokens that speak", "[unit][spamd]") {
  Engine engine({});
  engine.replace(taught(6));
  const Explanation explanation = engine.explain(sample::spam(200), {}, 1000);
  REQUIRE(explanation.known_count > 10);
  REQUIRE(explanation.token_count >= explanation.known_count);
  bool found = false;
  for (const ExplainedToken& token : explanation.tokens) {
    REQUIRE_FALSE(token.text.empty());
    if (token.text == "casino") {
      found = true;
      REQUIRE(token.weight > 0);
    }
  }
  REQUIRE(found);
  REQUIRE(engine.explain(sample::spam(200), {}, 3).tokens.size() == 3);
}
