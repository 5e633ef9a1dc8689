// Whole path from raw bytes to a score, with and without an envelope taken from the same bytes.
#include <cstdint>
#include <string_view>

#include "common/base/assert.h"
#include "spamd/service/engine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::spamd;
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  Envelope envelope;
  envelope.helo = raw.substr(0, 40);
  envelope.mail_from = raw.substr(0, 60);
  Engine engine({});
  const Lesson lesson = engine.lesson(raw, envelope, Label::spam);
  DROMOS_ASSERT(lesson.tokens.size() <= TokenSet::kMaxTokens);
  DROMOS_ASSERT(engine.apply({{1, lesson.tokens, lesson.update}}));
  const ScanResult result = engine.scan(raw, envelope);
  DROMOS_ASSERT(result.score.probability >= 0 && result.score.probability <= 1);
  const Explanation explanation = engine.explain(raw, envelope, 100);
  DROMOS_ASSERT(explanation.known_count <= explanation.token_count);
  DROMOS_ASSERT(explanation.result.score.log_odds == result.score.log_odds);
  return 0;
}
