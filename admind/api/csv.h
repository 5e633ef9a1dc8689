// Comma-separated values (RFC 4180): quoted fields, doubled quotes, CRLF or LF, a byte order mark is skipped.
// Pure and bounded; errors name the line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace dromos::admind {

inline constexpr size_t kMaxCsvRows = 200'000;
inline constexpr size_t kMaxCsvColumns = 64;
inline constexpr size_t kMaxCsvField = 8192;

using CsvRow = std::vector<std::string>;

/// Empty lines are left out.
Result<std::vector<CsvRow>> parse_csv(std::string_view text);
/// One line with CRLF.
std::string csv_line(const CsvRow& fields);

}  // namespace dromos::admind
