// FuzzyTerms: what FUZZY keys look for, made ready to be asked of texts as the word index would answer
// (docs/formats/word-index.md). Which word of a text has which stem only PostgreSQL knows; so texts are first
// searched for words that might do (`plausible`), those are asked for once a search (set_stems), and then a
// message is decided by the words found in it. Tokens come decomposed (text_chunk.h), words are composed
// again, which gives them back (same_letters.h).
//
// Pure. What is const may be used by any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/store/word_forms.h"
#include "common/store/word_index.h"

namespace dromos::imapd {

/// Parts of a message that words are found in, as bits.
enum FuzzyField : uint8_t { kFuzzySubject = 1, kFuzzyAddress = 2, kFuzzyBody = 4 };

/// A word or pair of characters found, and where.
struct FuzzyHit {
  /// Of a pair its number among those looked for.
  static constexpr uint32_t kPair = 1U << 31U;
  uint32_t item = 0;
  uint8_t fields = 0;
  auto operator<=>(const FuzzyHit&) const = default;
};
/// Of one message. Adding sorts them and makes each item one.
using FuzzyHits = std::vector<FuzzyHit>;
void tidy(FuzzyHits& hits);

/// Numbers of words.
class FuzzyWords {
 public:
  uint32_t id(std::string_view word);
  const std::vector<std::string>& all() const { return words_; }

 private:
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<std::string> words_;
};

/// How a message fits one key.
struct FuzzyAnswer {
  bool found = false;
  bool in_subject = false, in_address = false;  // asked only of keys that look anywhere
  auto operator<=>(const FuzzyAnswer&) const = default;
};

class FuzzyTerms {
 public:
  /// `folded` terms, one a key.
  explicit FuzzyTerms(const std::vector<store::WordTerm>& terms);

  // The words of the keys, to be asked for their forms.
  const std::vector<std::string>& words() const { return words_; }
  const std::vector<bool>& prefixes() const { return prefixes_; }
  /// `forms` in index_languages(); `known`: those that the account's mail is in.
  void set_forms(const std::vector<store::WordForm>& forms, const std::vector<std::string>& known);
  const std::vector<std::string>& lexemes() const { return lexemes_; }
  const std::vector<bool>& lexeme_prefixes() const { return lexeme_prefixes_; }

  /// Whether a token of a text, decomposed, may hold a word that counts. Errs only in saying yes: a stem
  /// keeps the first letters of its word but for the last two, or what stands behind its first letter where a
  /// language takes beginnings off (Arabic, Indonesian, Irish).
  bool plausible(std::string_view decomposed) const;
  /// Adds what counts of a text, composed, of which `limit` octets are read.
  void add_items(std::string_view composed, size_t limit, uint8_t field, FuzzyWords& words,
                 FuzzyHits& hits) const;

  size_t keys() const { return keys_.size(); }

 private:
  friend class FuzzyJudge;
  struct Key {
    store::WordField field = store::WordField::any;
    std::vector<size_t> words;
    std::vector<size_t> pairs;
  };
  /// The beginning of what is looked for, without marks; and what may stand inside a word.
  struct Pattern {
    std::string letters;
    bool inside = false;
  };
  void add_pattern(std::string_view text);
  void put(Pattern pattern);
  bool holds(std::string_view skeleton, bool anywhere) const;
  void add_pairs(std::string_view pairs, uint8_t field, FuzzyHits& hits) const;
  std::vector<Key> keys_;
  std::vector<std::string> words_;
  std::vector<bool> prefixes_;
  struct Pair {
    std::string text;
    bool prefix = false;  // a single character: what begins with it
  };
  std::vector<Pair> pairs_;
  std::vector<std::string> lexemes_;
  std::vector<bool> lexeme_prefixes_;
  std::vector<std::vector<std::vector<uint32_t>>> forms_;  // language, word: lexemes
  std::vector<bool> known_;                                // language
  std::vector<Pattern> patterns_;
  std::vector<uint8_t> begins_;  // by the first two octets: which patterns may lie there
};

/// Decides messages by their hits. Not thread-safe.
class FuzzyJudge {
 public:
  explicit FuzzyJudge(const FuzzyTerms& terms) : terms_(terms) {}
  /// Hits are to be of these.
  FuzzyWords& words() { return words_; }
  /// Words that PostgreSQL was not asked for yet.
  std::vector<std::string> unasked() const;
  /// Of unasked(), in index_languages().
  void set_stems(const std::vector<store::WordStem>& stems);

  /// By key; `language()` guesses the message's, asked only where it matters.
  template <class Language>
  const std::vector<FuzzyAnswer>& judge(const FuzzyHits& hits, Language language) {
    const Verdict& verdict = verdict_of(hits);
    return verdict.size() == 1 ? verdict.front() : verdict[language()];
  }

 private:
  /// Answers by key, by language; or one if all are the same.
  using Verdict = std::vector<std::vector<FuzzyAnswer>>;
  const Verdict& verdict_of(const FuzzyHits& words);
  FuzzyHits kinds_in(const FuzzyHits& hits) const;
  std::vector<FuzzyAnswer> answers(const FuzzyHits& hits, size_t language) const;
  bool fits(const FuzzyTerms::Key& key, const FuzzyHits& hits, size_t language, uint8_t fields) const;
  bool words_fit(const FuzzyTerms::Key& key, const std::vector<bool>& lexemes, size_t language) const;

  const FuzzyTerms& terms_;
  FuzzyWords words_;
  /// Language and lexeme.
  using Stem = std::pair<uint32_t, uint32_t>;
  static constexpr uint32_t kNoStems = 0;
  std::vector<uint32_t> kinds_;               // by word: words with the same stems are of one kind
  std::vector<std::vector<Stem>> stems_{{}};  // by kind
  std::map<std::vector<Stem>, uint32_t> kind_of_{{{}, kNoStems}};
  std::unordered_map<std::string, Verdict> verdicts_;
  size_t answers_ = 0;  // in verdicts_
};

}  // namespace dromos::imapd
