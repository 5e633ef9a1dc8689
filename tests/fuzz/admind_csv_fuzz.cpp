// CSV of the bulk import: bounds hold, and what is written again reads the same.
#include <cstdlib>

#include "admind/api/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dromos::admind;
  const auto rows = parse_csv({reinterpret_cast<const char*>(data), size});
  if (!rows) return 0;
  if (rows->size() > kMaxCsvRows) std::abort();
  std::string written;
  for (const CsvRow& row : *rows) {
    if (row.size() > kMaxCsvColumns) std::abort();
    for (const std::string& field : row)
      if (field.size() > kMaxCsvField) std::abort();
    written += csv_line(row);
  }
  const auto again = parse_csv(written);
  if (!again || *again != *rows) std::abort();
  return 0;
}
