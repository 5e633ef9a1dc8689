// Sorting of found messages (RFC 5256 §3, RFC 5957): a table of columns, and what fills it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/protocol/command_search.h"
#include "imapd/service/search.h"

namespace dromos::imapd {

/// Rows in mailbox order, a column a sort key. Pure.
class SortTable {
 public:
  SortTable(std::vector<SortKey> keys, size_t rows);
  const std::vector<SortKey>& keys() const { return keys_; }
  void set_number(size_t key, size_t row, int64_t value);
  /// Rows in any order, each once.
  void set_text(size_t key, size_t row, std::string_view value);
  /// The rows in the order asked for; equal ones keep theirs.
  std::vector<uint32_t> order() const;

 private:
  struct Column {
    bool reverse = false;
    std::vector<uint64_t> ranks;  // numbers, or the first octets of texts
    std::string texts;
    std::vector<std::string_view::size_type> ends;  // offset and size, in pairs; empty for numbers
  };
  std::string_view text(const Column& column, uint32_t row) const;
  std::vector<SortKey> keys_;
  std::vector<Column> columns_;
};

/// `numbers` (ascending) in the order of `keys`. `scores` (parallel to them) are for RELEVANCY.
Task<Result<std::vector<uint32_t>>> sort_messages(Worker& worker, const SearchScope& scope,
                                                  std::vector<SortKey> keys, std::vector<uint32_t> numbers,
                                                  std::vector<uint8_t> scores, Deadline deadline);

enum class ThreadAlgorithm : uint8_t { ordered_subject, references };
/// "(1)(2 3)..." of `numbers` (ascending), as uids if asked for.
Task<Result<std::string>> thread_messages(Worker& worker, const SearchScope& scope, ThreadAlgorithm algorithm,
                                          std::vector<uint32_t> numbers, bool uids, Deadline deadline);

}  // namespace dromos::imapd
