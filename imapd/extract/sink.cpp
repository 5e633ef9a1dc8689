#include "imapd/extract/sink.h"

namespace dromos::extract {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length of the character at `at`; 0 if it is none (RFC 3629 §4).
size_t character_at(std::string_view s, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char first = byte(at);
  const size_t length = first < 0x80                    ? 1
                        : first >= 0xC2 && first < 0xE0 ? 2
                        : (first & 0xF0) == 0xE0        ? 3
                        : first >= 0xF0 && first < 0xF5 ? 4
                                                        : 0;
  if (length == 0 || at + length > s.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  if (length == 3) {
    const unsigned char second = byte(at + 1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0)) return 0;
  }
  if (length == 4) {
    const unsigned char second = byte(at + 1);
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90)) return 0;
  }
  return length;
}

}  // namespace

void Sink::add(std::string_view utf8) {
  for (size_t at = 0; at < utf8.size();) {
    const auto first = static_cast<unsigned char>(utf8[at]);
    const size_t length = first < 0x80 ? 1 : character_at(utf8, at);
    const std::string_view piece = length == 0 ? kReplacement : utf8.substr(at, length);
    if (text_.size() + piece.size() > limit_) {
      cut_ = true;
      return;
    }
    if (length == 1 && (first < ' ' || first == 0x7F))
      text_ += first == '\n' ? '\n' : ' ';
    else
      text_ += piece;
    at += length == 0 ? 1 : length;
  }
}

void Sink::separate(char with) {
  if (cut_ || text_.empty() || text_.back() == '\n' || text_.back() == with) return;
  if (text_.back() == ' ')
    text_.back() = with;
  else if (text_.size() < limit_)
    text_ += with;
}

bool Sink::full() {
  // Less room than any character may need.
  if (text_.size() + 4 > limit_ || Clock::now() >= until_) cut_ = true;
  return cut_;
}

}  // namespace dromos::extract
