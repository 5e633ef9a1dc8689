// TextChunk: the texts of the messages of one range of uids, made for finding any substring in them: each
// text is a sequence of numbers of tokens, each distinct token is held once. A token is a run of letters,
// digits and octets over 127 with the run of other octets behind it; so a text is exactly its tokens, one
// after another, and every needle has an exact answer: it lies inside one token, or ends the first, is all of
// those between, and begins the last. Nothing is left out, no word is too long or too frequent.
//
// Texts are search texts (common/mime/text.h) decomposed as i;unicode-casemap compares (mime::CasemapNeedle),
// so a needle is found here exactly where CasemapNeedle::in finds it. A needle is never found across the end
// of the header lines. Pure; immutable once made but for languages that are guessed later, hence free to be
// used by any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dromos::imapd {

/// What is looked for, cut as the tokens are.
class TextNeedle {
 public:
  TextNeedle() = default;
  /// `decomposed`: folded and decomposed (CasemapNeedle::decomposed).
  explicit TextNeedle(std::string_view decomposed);
  /// False for what chunks cannot tell of: nothing, NUL, broken UTF-8.
  bool usable() const { return !pieces_.empty(); }

 private:
  friend class TextChunk;
  std::vector<std::string> pieces_;
};

enum class TextPart : uint8_t { headers, body, all };

class TextChunk {
 public:
  /// Uids that share a chunk.
  static constexpr uint32_t kUids = 1024;
  /// Texts that would make it larger stay outside.
  static constexpr size_t kMaxBytes = 16 * 1024 * 1024;
  static uint32_t index_of(uint32_t uid) { return uid / kUids; }

  class Builder;

  size_t size() const { return rows_.size(); }
  /// The row of a message; none if its text is not here.
  std::optional<size_t> find(uint32_t uid) const;
  /// False: there is more text than this, so that what is not found may be there all the same.
  bool whole(size_t row) const { return rows_[row].whole; }
  /// By row: which texts hold the needle, which must be usable.
  std::vector<bool> holding(const TextNeedle& needle, TextPart part) const;

  // What texts are made of, for who looks for words.
  size_t tokens() const { return begins_.size() - 1; }
  std::string_view token(size_t number) const {
    return std::string_view(tokens_).substr(begins_[number], begins_[number + 1] - begins_[number] - 1);
  }
  uint32_t uid(size_t row) const { return rows_[row].uid; }
  /// False: composing the tokens does not give its words (same_letters.h).
  bool same_letters(size_t row) const { return rows_[row].same_letters; }
  /// Which of index_languages() its text is in; kUnknown: not guessed yet (chunk_language.h). Who guesses
  /// keeps it; all guess the same.
  static constexpr uint8_t kUnknown = 255;
  uint8_t language(size_t row) const { return guessed(row).load(std::memory_order_relaxed); }
  void keep_language(size_t row, uint8_t language) const {
    guessed(row).store(language, std::memory_order_relaxed);
  }
  /// Calls `use(token's number)` for the headers' tokens, or the body's (`part` headers or body), in order,
  /// until it answers false.
  template <class Use>
  void for_each_token(size_t row, TextPart part, Use use) const {
    const Row& at = rows_[row];
    const size_t end = part == TextPart::headers ? at.body : at.end;
    for (size_t i = part == TextPart::headers ? at.begin : at.body; i < end; ++i)
      if (!use(wide_.empty() ? numbers_[i] : wide_[i])) return;
  }
  /// The first `limit` octets, decomposed, or a little more.
  std::string text(size_t row, TextPart part, size_t limit) const;

  uint32_t through() const { return through_; }
  size_t memory() const;

 private:
  /// Its headers are tokens [begin, body), its body [body, end).
  struct Row {
    uint32_t uid = 0;
    uint32_t begin = 0, body = 0, end = 0;
    bool whole = true;
    bool same_letters = true;
    mutable uint8_t language = kUnknown;  // by guessed() only
  };
  class Query;
  std::atomic_ref<uint8_t> guessed(size_t row) const { return std::atomic_ref<uint8_t>(rows_[row].language); }
  /// The token that `offset` lies in; `from` is not behind it.
  uint32_t token_at(size_t offset, uint32_t from) const;
  template <class Number>
  void scan(const Query& query, const std::vector<Number>& numbers, TextPart part,
            std::vector<bool>& found) const;

  std::string tokens_;             // NUL, and each token with a NUL behind
  std::vector<uint32_t> begins_;   // of the tokens, and the end
  std::vector<uint16_t> numbers_;  // of tokens; empty if there are too many tokens
  std::vector<uint32_t> wide_;     // then these
  std::vector<Row> rows_;          // in uid order
  uint32_t through_ = 0;
};

class TextChunk::Builder {
 public:
  Builder();
  ~Builder();
  Builder(Builder&&) noexcept;
  Builder& operator=(Builder&&) noexcept;
  /// False: it is not taken, for its size or because it is no search text. In any order of uids.
  bool add(uint32_t uid, std::string_view search_text, bool whole);
  std::shared_ptr<const TextChunk> finish(uint32_t through) &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dromos::imapd
