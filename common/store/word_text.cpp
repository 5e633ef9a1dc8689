#include "common/store/word_text.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/base/utf8.h"

namespace dromos::store {
namespace {

enum class Class { word, gap, skip, bigram };

/// First and last code point of a block, ascending.
struct Block {
  char32_t first, last;
};
constexpr Block kBigram[] = {{0x0E00, 0x0EFF},   {0x1000, 0x109F},  {0x1100, 0x11FF}, {0x1780, 0x17FF},
                             {0x3005, 0x3007},   {0x3040, 0x30FA},  {0x30FC, 0x30FF}, {0x3105, 0x318F},
                             {0x31A0, 0x31BF},   {0x31F0, 0x31FF},  {0x3400, 0x4DBF}, {0x4E00, 0x9FFF},
                             {0xA960, 0xA97F},   {0xAC00, 0xD7FF},  {0xF900, 0xFAFF}, {0xFF66, 0xFF9F},
                             {0x20000, 0x2FA1F}, {0x30000, 0x323AF}};
/// Punctuation, symbols, private use, emoji.
constexpr Block kGap[] = {{0x0080, 0x00A9}, {0x00AB, 0x00AC}, {0x00AE, 0x00B4},  {0x00B6, 0x00B9},
                          {0x00BB, 0x00BF}, {0x00D7, 0x00D7}, {0x00F7, 0x00F7},  {0x2000, 0x200B},
                          {0x200E, 0x2BFF}, {0x2E00, 0x303F}, {0x30FB, 0x30FB},  {0xE000, 0xF8FF},
                          {0xFE10, 0xFE6F}, {0xFF00, 0xFF0F}, {0xFF1A, 0xFF20},  {0xFF3B, 0xFF40},
                          {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF}};

template <size_t N>
bool in(const Block (&blocks)[N], char32_t c) {
  for (const Block& block : blocks)
    if (c <= block.last) return c >= block.first;
  return false;
}

Class classify(char32_t c) {
  if (c < 0x80)
    return is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c)) ? Class::word : Class::gap;
  // Soft hyphen, joiners, byte order mark: inside words, and no part of them.
  if (c == 0xAD || c == 0x200C || c == 0x200D || c == 0xFEFF) return Class::skip;
  if (in(kBigram, c)) return Class::bigram;
  return in(kGap, c) ? Class::gap : Class::word;
}

/// Distinct words, blank-separated; those of a mail repeat more than they differ. Open addressing over the
/// text itself, so that a word costs no allocation.
class DistinctWords {
 public:
  void add(std::string_view word) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = find(word);
    if (slot.length > 0) return;
    append(word);
    slot = {static_cast<uint32_t>(text_.size() - word.size()), static_cast<uint32_t>(word.size())};
    ++used_;
  }
  /// Though it may be there.
  void append(std::string_view word) {
    if (!text_.empty()) text_ += ' ';
    text_ += word;
  }
  std::string take() { return std::move(text_); }

 private:
  struct Slot {
    uint32_t begin = 0, length = 0;  // length 0: free
  };
  std::string_view word_at(Slot slot) const {
    return std::string_view(text_).substr(slot.begin, slot.length);
  }
  Slot& find(std::string_view word) {
    size_t at = std::hash<std::string_view>{}(word) & (slots_.size() - 1);
    while (slots_[at].length > 0 && word_at(slots_[at]) != word) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  void grow() {
    const std::vector<Slot> old =
        std::exchange(slots_, std::vector<Slot>(std::max<size_t>(64, slots_.size() * 2)));
    for (const Slot slot : old)
      if (slot.length > 0) find(word_at(slot)) = slot;
  }

  std::string text_;
  std::vector<Slot> slots_;
  size_t used_ = 0;
};

/// Where the run of ASCII letters and digits that begins at `at` ends.
size_t end_of_ascii_word(std::string_view text, size_t at) {
  while (at < text.size() && (is_alpha(text[at]) || is_digit(text[at]))) ++at;
  return at;
}

class Builder {
 public:
  explicit Builder(WordUse use) : use_(use) {}

  /// `bytes` is one character, or several of ASCII of the same kind.
  void add(Class kind, std::string_view bytes) {
    if (kind == Class::skip) return;
    if (kind != Class::word) end_word();
    if (kind != Class::bigram) end_run();
    if (kind == Class::word) word_ += bytes;
    if (kind != Class::bigram) return;
    if (!last_.empty()) pair(last_ + std::string(bytes));
    run_ = last_.empty() ? 1 : run_ + 1;
    last_ = bytes;
  }
  WordText finish() {
    end_word();
    end_run();
    text_.words = words_.take();
    return std::move(text_);
  }

 private:
  void end_word() {
    if (!word_.empty() && word_.size() <= kMaxWordBytes) {
      // The last word of a query may be a prefix: it keeps its place.
      if (use_ == WordUse::query)
        words_.append(word_);
      else
        words_.add(word_);
    }
    word_.clear();
  }
  void end_run() {
    if (!last_.empty() && (use_ == WordUse::document || run_ == 1)) pair(last_);
    last_.clear();
  }
  void pair(std::string lexeme) {
    const auto [where, fresh] = seen_.insert(std::move(lexeme));
    if (!fresh) return;
    if (!text_.bigrams.empty()) text_.bigrams += ' ';
    text_.bigrams += *where;
  }

  const WordUse use_;
  WordText text_;
  DistinctWords words_;
  std::string word_;
  std::string last_;  // the character before, while in a run of bigrams
  size_t run_ = 0;
  std::unordered_set<std::string> seen_;
};

}  // namespace

WordText word_text(std::string_view folded, size_t limit, WordUse use) {
  Builder builder(use);
  for (size_t at = 0; at < folded.size();) {
    if (const size_t end = end_of_ascii_word(folded.substr(0, limit), at); end > at) {
      builder.add(Class::word, folded.substr(at, end - at));
      at = end;
      continue;
    }
    size_t end = at;
    const char32_t c = next_character(folded, end);
    if (end > limit) break;
    builder.add(classify(c), folded.substr(at, end - at));
    at = end;
  }
  return builder.finish();
}

}  // namespace dromos::store
