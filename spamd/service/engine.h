// Engine: the live model behind a lock, and what can be asked of it: scan, lesson, explain. Thread-safe:
// scans share, changes of the model exclude. No I/O; model_store.h brings the model in and lessons out.
#pragma once

#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "spamd/service/classifier.h"

namespace dromos::spamd {

/// One change of the model as the store orders them.
struct Event {
  uint64_t version = 0;
  std::vector<Token> tokens;
  Update update;
};

/// What learning a message comes to, before it is stored.
struct Lesson {
  std::vector<Token> tokens;
  Update update;
};

struct ScanResult {
  Score score;
  Verdict verdict = Verdict::unsure;
  uint64_t model_version = 0;
};

struct ExplainedToken {
  Token token = 0;
  std::string text;
  double weight = 0;  ///< its part of the log-odds
};

struct Explanation {
  ScanResult result;
  std::vector<ExplainedToken> tokens;  ///< strongest first
  size_t token_count = 0;
  size_t known_count = 0;
};

class Engine {
 public:
  struct Options {
    /// Bytes of a message that are looked at.
    size_t scan_size = 1 << 20;
    Thresholds thresholds;
  };
  explicit Engine(Options options) : options_(options) {}

  ScanResult scan(std::string_view raw, const Envelope& envelope) const;
  Explanation explain(std::string_view raw, const Envelope& envelope, size_t max_tokens) const;
  Lesson lesson(std::string_view raw, const Envelope& envelope, Label label) const;

  uint64_t version() const;
  size_t memory_bytes() const;
  void replace(Model model);
  /// Applies events in order. Those already applied are skipped; false if one is missing between (load anew).
  bool apply(const std::vector<Event>& events);

 private:
  ScanResult judge(const Features& features) const;

  Options options_;
  mutable std::shared_mutex mutex_;
  Model model_;
};

}  // namespace dromos::spamd
