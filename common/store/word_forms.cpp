#include "common/store/word_forms.h"

#include "common/store/errc.h"

namespace dromos::store {
namespace {

const db::Statement kLanguages{"word_languages", "SELECT l FROM mail.word_languages_v1($1) AS l"};
const db::Statement kForms{"word_forms",
                           "SELECT language, word, lexeme, prefix FROM mail.word_forms_v1($1, $2, $3)"};
const db::Statement kStems{"word_stems",
                           "SELECT language, word, lexeme FROM mail.word_stems_v1($1, $2, $3, $4)"};

/// Numbers of PostgreSQL's arrays begin with 1.
size_t place(const db::Rows& rows, size_t row, size_t column) {
  return static_cast<size_t>(rows.integer(row, column) - 1);
}

}  // namespace

Task<Result<std::vector<std::string>>> word_languages(db::Pool& pool, AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  auto rows = co_await pool.exec(kLanguages, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  std::vector<std::string> languages;
  for (size_t row = 0; row < rows->size(); ++row) languages.push_back(rows->text(row, 0));
  co_return languages;
}

Task<Result<std::vector<WordForm>>> word_forms(db::Pool& pool, std::vector<std::string> languages,
                                               std::vector<std::string> words, std::vector<bool> prefix,
                                               Deadline deadline) {
  db::Params params;
  params.add_array(std::span<const std::string>(languages)).add_array(std::span<const std::string>(words));
  params.add_bool_array(prefix);
  auto rows = co_await pool.exec(kForms, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  std::vector<WordForm> forms;
  for (size_t row = 0; row < rows->size(); ++row)
    forms.push_back({place(*rows, row, 0), place(*rows, row, 1), rows->text(row, 2), rows->boolean(row, 3)});
  co_return forms;
}

Task<Result<std::vector<WordStem>>> word_stems(db::Pool& pool, std::vector<std::string> languages,
                                               std::vector<std::string> words,
                                               std::vector<std::string> lexemes, std::vector<bool> prefix,
                                               Deadline deadline) {
  std::vector<WordStem> stems;
  if (words.empty() || lexemes.empty()) co_return stems;
  db::Params params;
  params.add_array(std::span<const std::string>(languages)).add_array(std::span<const std::string>(words));
  params.add_array(std::span<const std::string>(lexemes)).add_bool_array(prefix);
  auto rows = co_await pool.exec(kStems, std::move(params), deadline);
  if (!rows) co_return Unexpected(mapped(std::move(rows).error()));
  stems.reserve(rows->size());
  for (size_t row = 0; row < rows->size(); ++row)
    stems.push_back({place(*rows, row, 0), place(*rows, row, 1), place(*rows, row, 2)});
  co_return stems;
}

}  // namespace dromos::store
