// Words as the word index has them, of documents and of queries alike: letters and digits separated by
// blanks, in folded UTF-8 (mime::fold_case), and apart from them the bigrams of scripts that are written
// without blanks (Chinese, Japanese, Korean, Thai, ...). Pure; never fails. docs/formats/word-index.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dromos::store {

/// Longer words are noise (base64, hashes) and left out.
inline constexpr size_t kMaxWordBytes = 64;

struct WordText {
  /// Blank-separated; nothing that PostgreSQL's parser would take for a URL or a sign. Of a document:
  /// distinct.
  std::string words;
  /// Blank-separated, distinct.
  std::string bigrams;
};
/// A document also gets the last character of each run, so that a query of one character, asked as a prefix,
/// finds it wherever it stands.
enum class WordUse { document, query };
/// At most `limit` bytes of `folded` are read (cut at a character).
WordText word_text(std::string_view folded, size_t limit, WordUse use = WordUse::document);

}  // namespace dromos::store
