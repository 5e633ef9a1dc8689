#include "spamd/service/words.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "common/base/strings.h"

namespace dromos::spamd {
namespace {

constexpr size_t kMaxWord = 40;

uint8_t byte_at(std::string_view text, size_t at) {
  return at < text.size() ? static_cast<uint8_t>(text[at]) : 0;
}

/// Length of the UTF-8 sequence at `at`, never past the end, at least 1.
size_t sequence_length(std::string_view text, size_t at) {
  const uint8_t lead = byte_at(text, at);
  const size_t want = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(want, text.size() - at);
}

enum class Kind { letter, wide, separator, invisible, inner, mark };

Kind classify(std::string_view text, size_t at, size_t length) {
  const uint8_t b0 = byte_at(text, at);
  const uint8_t b1 = byte_at(text, at + 1);
  const uint8_t b2 = byte_at(text, at + 2);
  if (length == 1) {
    const char c = text[at];
    if (is_alpha(c) || is_digit(c)) return Kind::letter;
    if (c == '\'' || c == '-' || c == '_') return Kind::inner;
    if (c == '$' || c == '!') return Kind::mark;
    return b0 >= 0x80 ? Kind::letter : Kind::separator;
  }
  if (length == 2) {
    if (b0 == 0xC2) return b1 == 0xAD ? Kind::invisible : b1 == 0xA3 ? Kind::mark : Kind::separator;
    if (b0 == 0xCD && b1 == 0x8F) return Kind::invisible;
    return Kind::letter;
  }
  if (length == 3) {
    if (b0 == 0xE2 && b1 == 0x80) {
      return b2 >= 0x8B && b2 <= 0x8F ? Kind::invisible : b2 == 0x99 ? Kind::inner : Kind::separator;
    }
    if (b0 == 0xE2 && b1 == 0x81 && b2 == 0xA0) return Kind::invisible;
    if (b0 == 0xEF && b1 == 0xBB && b2 == 0xBF) return Kind::invisible;
    if (b0 == 0xE2 && b1 == 0x82 && b2 == 0xAC) return Kind::mark;
    if (b0 == 0xE2 || (b0 == 0xE3 && b1 == 0x80) || b0 == 0xEF) return Kind::separator;
    return b0 >= 0xE3 && b0 <= 0xED ? Kind::wide : Kind::letter;
  }
  return Kind::separator;  // emoji and the like: counted, not spelt
}

/// Lower case of ASCII, Latin-1 letters, Greek and Cyrillic; others stay.
void append_lower(std::string& out, std::string_view sequence) {
  if (sequence.size() == 1) {
    out.push_back(ascii_lower(sequence[0]));
    return;
  }
  auto b0 = static_cast<uint8_t>(sequence[0]);
  auto b1 = static_cast<uint8_t>(sequence[1]);
  if (sequence.size() == 2) {
    if (b0 == 0xC3 && b1 >= 0x80 && b1 <= 0x9E && b1 != 0x97)
      b1 += 0x20;
    else if (b0 == 0xCE && b1 >= 0x91 && b1 <= 0x9F)
      b1 += 0x20;
    else if (b0 == 0xCE && b1 >= 0xA0 && b1 <= 0xA9) {
      b0 = 0xCF;
      b1 -= 0x20;
    } else if (b0 == 0xD0 && b1 >= 0x90 && b1 <= 0x9F)
      b1 += 0x20;
    else if (b0 == 0xD0 && b1 >= 0xA0 && b1 <= 0xAF) {
      b0 = 0xD1;
      b1 -= 0x20;
    }
    out.push_back(static_cast<char>(b0));
    out.push_back(static_cast<char>(b1));
    return;
  }
  out.append(sequence);
}

class Splitter {
 public:
  Splitter(TokenSet& tokens, const WordOptions& options) : tokens_(tokens), options_(options) {}

  WordStats run(std::string_view text) {
    size_t at = 0;
    while (at < text.size() && stats_.words < options_.max_words) {
      const size_t length = sequence_length(text, at);
      step(text, at, length);
      at += length;
    }
    flush();
    return stats_;
  }

 private:
  void step(std::string_view text, size_t at, size_t length) {
    const std::string_view sequence = text.substr(at, length);
    switch (classify(text, at, length)) {
      case Kind::letter:
        if (length == 1 && sequence[0] >= 'A' && sequence[0] <= 'Z') ++capitals_;
        if (length == 1 && is_digit(sequence[0])) ++digits_;
        if (length >= 3) ++stats_.wide_chars;
        if (word_.size() < 3 * kMaxWord) append_lower(word_, sequence);
        last_wide_ = {};
        break;
      case Kind::wide:
        flush();
        ++stats_.wide_chars;
        if (!last_wide_.empty()) emit(std::string(last_wide_).append(sequence));
        last_wide_ = sequence;
        break;
      case Kind::inner:
        if (!word_.empty() && at + 1 < text.size() && word_.size() < 3 * kMaxWord)
          word_.push_back(sequence[0] == '_' ? '_' : sequence.size() > 1 ? '\'' : sequence[0]);
        break;
      case Kind::invisible:
        if (!word_.empty()) ++stats_.zero_width;
        break;
      case Kind::mark:
        flush();
        if (run_mark_ == sequence) {
          ++run_length_;
        } else {
          run_mark_ = sequence;
          run_length_ = 1;
        }
        if (run_length_ == 1 && sequence != "!") emit(std::string(sequence));
        if (run_length_ == 2) emit(std::string(sequence).append(sequence));
        return;
      case Kind::separator:
        if (length == 4) ++stats_.wide_chars;
        flush();
        last_wide_ = {};
        break;
    }
    run_mark_ = {};
    run_length_ = 0;
  }

  void flush() {
    while (!word_.empty() && (word_.back() == '-' || word_.back() == '\'' || word_.back() == '_'))
      word_.pop_back();
    if (!word_.empty()) finish_word();
    word_.clear();
    capitals_ = 0;
    digits_ = 0;
  }

  void finish_word() {
    if (digits_ == word_.size()) {
      emit(digits_ <= 4 ? word_ : "#" + std::to_string(std::min<size_t>(digits_, 16)));
      return;
    }
    if (word_.size() > kMaxWord || (digits_ > 2 && word_.size() > 12)) {
      emit("~" + std::to_string(std::min<size_t>(word_.size() / 8, 12)));
      return;
    }
    if (word_.size() < 2) {
      // Single letters: only runs of them ("v i a g r a") tell something.
      if (++singles_ == 4) emit("~spaced");
      return;
    }
    singles_ = 0;
    if (capitals_ == word_.size() && capitals_ >= 4) {
      ++stats_.capital_words;
      tokens_.add(options_.words, "^", word_);
    }
    emit(word_);
  }

  void emit(const std::string& word) {
    ++stats_.words;
    const uint64_t hash = hash_bytes(word, seed_);
    tokens_.add(options_.words, options_.tag, word);
    for (int back = 0; back < options_.window && back < static_cast<int>(recent_.size()); ++back) {
      const Recent& before =
          recent_[(next_ + recent_.size() - 1 - static_cast<size_t>(back)) % recent_.size()];
      if (!before.set) break;
      tokens_.add_pair(options_.pairs, before.hash, hash, back, before.word, word);
    }
    recent_[next_] = {word, hash, true};
    next_ = (next_ + 1) % recent_.size();
  }

  struct Recent {
    std::string word;
    uint64_t hash = 0;
    bool set = false;
  };

  TokenSet& tokens_;
  const WordOptions& options_;
  uint64_t seed_ = hash_bytes(options_.tag, 1);
  WordStats stats_;
  std::string word_;
  size_t capitals_ = 0;
  size_t digits_ = 0;
  size_t singles_ = 0;
  std::string_view last_wide_;
  std::string_view run_mark_;
  size_t run_length_ = 0;
  std::array<Recent, 4> recent_;
  size_t next_ = 0;
};

}  // namespace

WordStats add_words(TokenSet& tokens, std::string_view text, const WordOptions& options) {
  return Splitter(tokens, options).run(text);
}

}  // namespace dromos::spamd
