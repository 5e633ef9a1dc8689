// FuzzySearch: FUZZY keys of messages that the word index does not tell of, by its rules, from the texts that
// SEARCH BODY holds in memory (text_reader.h), or else from the stored extracts. Texts are read and searched
// on the offload pool; memory is bounded as theirs is.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "imapd/service/fuzzy_terms.h"
#include "imapd/service/text_reader.h"

namespace dromos::imapd {

class FuzzySearch {
 public:
  /// One term a key; they are those of one search, whose texts must outlive this.
  FuzzySearch(Worker& worker, TextReader& texts, std::vector<store::WordTerm> terms, Deadline deadline);
  ~FuzzySearch();

  /// Told once of each message that has text, with an answer for each key; the place is that of its uid.
  using Tell = std::function<void(size_t place, const std::vector<FuzzyAnswer>&)>;
  /// `uids` ascending. Errc::closed: unwanted.
  Task<Result<void>> run(std::vector<uint32_t> uids, Tell tell);

 private:
  struct Row;
  struct Found;
  class Pass;
  Task<Result<void>> prepare();
  Task<Result<void>> settle(std::vector<Found> found, const Tell& tell);

  Worker& worker_;
  TextReader& texts_;
  const Deadline deadline_;
  FuzzyTerms terms_;
  FuzzyJudge judge_;
  bool ready_ = false;
};

}  // namespace dromos::imapd
