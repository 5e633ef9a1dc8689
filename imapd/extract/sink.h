// Sink: where text goes: clean UTF-8, control characters as blanks, at most `limit` bytes, and no work past
// the deadline. Pure but for the clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace dromos::extract {

class Sink {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Sink(size_t limit, Clock::time_point until = Clock::time_point::max())
      : limit_(limit), until_(until) {}

  /// Bytes that are no UTF-8 become U+FFFD each. Characters must not be divided between calls.
  void add(std::string_view utf8);
  /// Ends a line, or parts two words, if there is something to end.
  void line() { separate('\n'); }
  void blank() { separate(' '); }
  /// Nothing more is taken; asks the clock now and then.
  bool full();
  /// There was more than this.
  void note_cut() { cut_ = true; }
  bool cut() const { return cut_; }
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  void separate(char with);
  const size_t limit_;
  const Clock::time_point until_;
  std::string text_;
  bool cut_ = false;
};

}  // namespace dromos::extract
