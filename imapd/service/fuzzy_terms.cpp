#include "imapd/service/fuzzy_terms.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/mime/collation.h"
#include "common/store/word_text.h"
#include "imapd/index/language.h"

namespace dromos::imapd {
namespace {

constexpr size_t kMaxQuery = 1024;               // octets of one key that are read, as the index reads them
constexpr size_t kMaxAnswers = size_t{1} << 20;  // remembered
constexpr size_t kBeginLetters = 3;
constexpr size_t kChangedLetters = 2;  // at the end of a word, by a stemmer

/// Length of what is no letter of its own at `at`: combining marks, soft hyphens, joiners; 0: a letter.
size_t mark_at(std::string_view text, size_t at) {
  if (static_cast<unsigned char>(text[at]) < 0xC2) return 0;
  size_t next = at;
  const char32_t c = next_character(text, next);
  const bool mark = (c >= 0x300 && c <= 0x36F) || c == 0xAD || c == 0x200C || c == 0x200D || c == 0xFEFF;
  return mark ? next - at : 0;
}

void skeleton_of(std::string_view decomposed, std::string& out) {
  out.clear();
  for (size_t at = 0; at < decomposed.size();) {
    if (const size_t mark = mark_at(decomposed, at); mark > 0)
      at += mark;
    else
      out += decomposed[at++];
  }
}

std::vector<std::string_view> letters_of(std::string_view text) {
  std::vector<std::string_view> letters;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    next_character(text, at);
    letters.push_back(text.substr(begin, at - begin));
  }
  return letters;
}

std::string joined(const std::vector<std::string_view>& letters, size_t from, size_t count) {
  std::string out;
  for (size_t i = from; i < std::min(letters.size(), from + count); ++i) out += letters[i];
  return out;
}

constexpr uint8_t kMayBegin = 1;
constexpr uint8_t kMayLieInside = 2;

size_t two_octets(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  return static_cast<size_t>(byte(at)) << 8U | byte(at + 1);
}

}  // namespace

void tidy(FuzzyHits& hits) {
  std::sort(hits.begin(), hits.end());
  size_t kept = 0;
  for (const FuzzyHit& hit : hits) {
    if (kept > 0 && hits[kept - 1].item == hit.item)
      hits[kept - 1].fields |= hit.fields;
    else
      hits[kept++] = hit;
  }
  hits.resize(kept);
}

uint32_t FuzzyWords::id(std::string_view word) {
  const auto [at, fresh] = ids_.emplace(std::string(word), static_cast<uint32_t>(words_.size()));
  if (fresh) words_.emplace_back(word);
  return at->second;
}

FuzzyTerms::FuzzyTerms(const std::vector<store::WordTerm>& terms) : begins_(65536) {
  for (const store::WordTerm& term : terms) {
    Key& key = keys_.emplace_back();
    key.field = term.field;
    const store::WordText query = store::word_text(clean_utf8(term.text), kMaxQuery, store::WordUse::query);
    if (!query.words.empty()) {
      for (const std::string_view word : split(query.words, ' ')) {
        key.words.push_back(words_.size());
        words_.emplace_back(word);
        prefixes_.push_back(false);
        add_pattern(word);
      }
      if (term.prefix) prefixes_.back() = true;
    }
    if (query.bigrams.empty()) continue;
    for (const std::string_view pair : split(query.bigrams, ' ')) {
      key.pairs.push_back(pairs_.size());
      pairs_.push_back({std::string(pair), letters_of(pair).size() == 1});
      put({mime::decompose_folded(pair), true});
    }
  }
}

void FuzzyTerms::set_forms(const std::vector<store::WordForm>& forms, const std::vector<std::string>& known) {
  const auto languages = index_languages();
  known_.assign(languages.size(), false);
  known_.front() = true;  // every word is also looked for as it is
  for (size_t i = 0; i < languages.size(); ++i)
    if (std::find(known.begin(), known.end(), languages[i]) != known.end()) known_[i] = true;
  forms_.assign(languages.size(), std::vector<std::vector<uint32_t>>(words_.size()));
  std::unordered_map<std::string, uint32_t> numbers;
  for (const store::WordForm& form : forms) {
    const auto number = static_cast<uint32_t>(lexemes_.size());
    const auto [at, fresh] = numbers.emplace(form.lexeme + (form.prefix ? "*" : ""), number);
    if (fresh) {
      lexemes_.push_back(form.lexeme);
      lexeme_prefixes_.push_back(form.prefix);
      add_pattern(form.lexeme);
    }
    forms_[form.language][form.word].push_back(at->second);
  }
}

void FuzzyTerms::add_pattern(std::string_view text) {
  std::string skeleton;
  skeleton_of(mime::decompose_folded(text), skeleton);
  const std::vector<std::string_view> letters = letters_of(skeleton);
  if (letters.empty()) return;
  const size_t kept = letters.size() > kChangedLetters ? letters.size() - kChangedLetters : 1;
  put({joined(letters, 0, std::min(kept, kBeginLetters)), false});
  if (letters.size() > kChangedLetters) put({joined(letters, 1, kBeginLetters), true});
}

void FuzzyTerms::put(Pattern pattern) {
  for (const Pattern& known : patterns_)
    if (known.letters == pattern.letters && known.inside == pattern.inside) return;
  const uint8_t mark = pattern.inside ? kMayLieInside : kMayBegin;
  if (pattern.letters.size() > 1)
    begins_[two_octets(pattern.letters, 0)] |= mark;
  else
    for (size_t next = 0; next < 256; ++next)
      begins_[(two_octets(pattern.letters, 0) & 0xFF00U) | next] |= mark;
  patterns_.push_back(std::move(pattern));
}

bool FuzzyTerms::holds(std::string_view skeleton, bool anywhere) const {
  for (size_t at = 0; at < skeleton.size(); ++at) {
    const uint8_t wanted = anywhere ? kMayBegin | kMayLieInside : at == 0 ? kMayBegin : kMayLieInside;
    if ((begins_[two_octets(skeleton, at)] & wanted) == 0) continue;
    const std::string_view rest = skeleton.substr(at);
    for (const Pattern& pattern : patterns_)
      if (((pattern.inside ? kMayLieInside : kMayBegin) & wanted) != 0 && rest.starts_with(pattern.letters))
        return true;
  }
  return false;
}

bool FuzzyTerms::plausible(std::string_view decomposed) const {
  if (is_ascii(decomposed)) return holds(decomposed, false);
  // Other signs than letters may stand before a word of such a token.
  thread_local std::string skeleton;
  skeleton_of(decomposed, skeleton);
  return holds(skeleton, true);
}

void FuzzyTerms::add_items(std::string_view composed, size_t limit, uint8_t field, FuzzyWords& words,
                           FuzzyHits& hits) const {
  const store::WordText text = store::word_text(composed, limit);
  if (!text.words.empty()) {
    for (const std::string_view word : split(text.words, ' ')) {
      const bool may_be = is_ascii(word) ? holds(word, false) : plausible(mime::decompose_folded(word));
      if (may_be) hits.push_back({words.id(clean_utf8(word)), field});
    }
  }
  if (!text.bigrams.empty() && !pairs_.empty()) add_pairs(text.bigrams, field, hits);
}

void FuzzyTerms::add_pairs(std::string_view pairs, uint8_t field, FuzzyHits& hits) const {
  for (const std::string_view pair : split(pairs, ' '))
    for (size_t i = 0; i < pairs_.size(); ++i)
      if (pairs_[i].prefix ? pair.starts_with(pairs_[i].text) : pair == pairs_[i].text)
        hits.push_back({FuzzyHit::kPair | static_cast<uint32_t>(i), field});
}

std::vector<std::string> FuzzyJudge::unasked() const {
  return {words_.all().begin() + static_cast<std::ptrdiff_t>(kinds_.size()), words_.all().end()};
}

/// Texts hold many words, and few kinds of them: most have no stem that is looked for.
void FuzzyJudge::set_stems(const std::vector<store::WordStem>& stems) {
  const size_t asked = kinds_.size();
  std::vector<std::vector<Stem>> fresh(words_.all().size() - asked);
  for (const store::WordStem& stem : stems)
    fresh[stem.word].emplace_back(static_cast<uint32_t>(stem.language), static_cast<uint32_t>(stem.lexeme));
  for (std::vector<Stem>& word : fresh) {
    std::sort(word.begin(), word.end());
    const auto [known, first] = kind_of_.emplace(std::move(word), static_cast<uint32_t>(stems_.size()));
    if (first) stems_.push_back(known->first);
    kinds_.push_back(known->second);
  }
}

/// Of words their kinds, of each once.
FuzzyHits FuzzyJudge::kinds_in(const FuzzyHits& hits) const {
  FuzzyHits kinds;
  for (FuzzyHit hit : hits) {
    if ((hit.item & FuzzyHit::kPair) == 0) hit.item = kinds_[hit.item];
    if (hit.item != kNoStems) kinds.push_back(hit);
  }
  tidy(kinds);
  return kinds;
}

const FuzzyJudge::Verdict& FuzzyJudge::verdict_of(const FuzzyHits& words) {
  const FuzzyHits hits = kinds_in(words);
  std::string key;
  for (const FuzzyHit& hit : hits) {
    key.append(reinterpret_cast<const char*>(&hit.item), sizeof hit.item);
    key += static_cast<char>(hit.fields);
  }
  if (const auto known = verdicts_.find(key); known != verdicts_.end()) return known->second;
  Verdict verdict;
  for (size_t language = 0; language < index_languages().size(); ++language)
    verdict.push_back(answers(hits, language));
  const bool same =
      std::all_of(verdict.begin(), verdict.end(), [&](const auto& one) { return one == verdict.front(); });
  if (same) verdict.resize(1);
  answers_ += verdict.size() * verdict.front().size();
  if (answers_ > kMaxAnswers) {
    verdicts_.clear();
    answers_ = verdict.size() * verdict.front().size();
  }
  return verdicts_.emplace(std::move(key), std::move(verdict)).first->second;
}

std::vector<FuzzyAnswer> FuzzyJudge::answers(const FuzzyHits& hits, size_t language) const {
  constexpr uint8_t kAny = kFuzzySubject | kFuzzyAddress | kFuzzyBody;
  std::vector<FuzzyAnswer> all;
  for (const FuzzyTerms::Key& key : terms_.keys_) {
    FuzzyAnswer& answer = all.emplace_back();
    const bool any = key.field == store::WordField::any;
    const uint8_t fields = any                                      ? kAny
                           : key.field == store::WordField::subject ? kFuzzySubject
                                                                    : kFuzzyAddress;
    answer.found = fits(key, hits, language, fields);
    if (!any || !answer.found) continue;
    answer.in_subject = fits(key, hits, language, kFuzzySubject);
    answer.in_address = fits(key, hits, language, kFuzzyAddress);
  }
  return all;
}

bool FuzzyJudge::fits(const FuzzyTerms::Key& key, const FuzzyHits& hits, size_t language,
                      uint8_t fields) const {
  std::vector<bool> lexemes(terms_.lexemes_.size());
  std::vector<bool> pairs(terms_.pairs_.size());
  for (const FuzzyHit& hit : hits) {
    const auto in = static_cast<uint8_t>(hit.fields & fields);
    if (in == 0) continue;
    if ((hit.item & FuzzyHit::kPair) != 0) {
      pairs[hit.item & ~FuzzyHit::kPair] = true;
      continue;
    }
    for (const auto& [of, lexeme] : stems_[hit.item])  // addresses are not stemmed
      if ((of == language && (in & (kFuzzySubject | kFuzzyBody)) != 0) ||
          (of == 0 && (in & kFuzzyAddress) != 0))
        lexemes[lexeme] = true;
  }
  for (const size_t pair : key.pairs)
    if (!pairs[pair]) return false;
  if (key.words.empty()) return !key.pairs.empty();
  for (size_t of = 0; of < terms_.known_.size(); ++of)
    if ((terms_.known_[of] || of == language) && words_fit(key, lexemes, of)) return true;
  return false;
}

/// All words of the key that are no stop words in `language`, stemmed or as they are.
bool FuzzyJudge::words_fit(const FuzzyTerms::Key& key, const std::vector<bool>& lexemes,
                           size_t language) const {
  bool any = false;
  for (const size_t word : key.words) {
    const auto holds = [&](size_t in) {
      const auto& form = terms_.forms_[in][word];
      return !form.empty() &&
             std::all_of(form.begin(), form.end(), [&](uint32_t one) { return lexemes[one]; });
    };
    if (terms_.forms_[language][word].empty()) continue;
    any = true;
    if (!holds(language) && !holds(0)) return false;
  }
  return any;
}

}  // namespace dromos::imapd
