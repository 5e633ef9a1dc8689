// Lexemes as the word index makes them, of words alone: to ask texts what the index would answer of them
// (docs/formats/word-index.md) without sending them to the database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

/// A word of a query in a language: all of its lexemes must be there. A word without one is a stop word
/// there.
struct WordForm {
  size_t language = 0;
  size_t word = 0;
  std::string lexeme;
  bool prefix = false;
};
/// A word of a text gives a lexeme that is looked for.
struct WordStem {
  size_t language = 0;
  size_t word = 0;
  size_t lexeme = 0;
};

/// Languages of the account's indexed mail, as PostgreSQL names their configurations.
Task<Result<std::vector<std::string>>> word_languages(db::Pool& pool, AccountId account, Deadline deadline);
Task<Result<std::vector<WordForm>>> word_forms(db::Pool& pool, std::vector<std::string> languages,
                                               std::vector<std::string> words, std::vector<bool> prefix,
                                               Deadline deadline);
/// Which of `lexemes` the words give; those of `prefix` need only begin so.
Task<Result<std::vector<WordStem>>> word_stems(db::Pool& pool, std::vector<std::string> languages,
                                               std::vector<std::string> words,
                                               std::vector<std::string> lexemes, std::vector<bool> prefix,
                                               Deadline deadline);

}  // namespace dromos::store
