#include "admind/api/csv.h"

namespace dromos::admind {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  }

  Result<std::vector<CsvRow>> all() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      TRY(CsvRow row, next_row());
      if (row.size() == 1 && row[0].empty()) continue;
      if (rows.size() == kMaxCsvRows) return error("more than " + std::to_string(kMaxCsvRows) + " rows");
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  Unexpected error(const std::string& what) const {
    return fail(Errc::invalid_argument, "CSV line " + std::to_string(line_) + ": " + what);
  }

  Result<CsvRow> next_row() {
    CsvRow row;
    while (true) {
      if (row.size() == kMaxCsvColumns)
        return error("more than " + std::to_string(kMaxCsvColumns) + " columns");
      TRY(std::string field, at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
      if (field.size() > kMaxCsvField)
        return error("a field is longer than " + std::to_string(kMaxCsvField) + " bytes");
      row.push_back(std::move(field));
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      if (at_ < text_.size() && text_[at_] == '\r') ++at_;
      if (at_ < text_.size() && text_[at_] != '\n')
        return error("a carriage return or text after a closing quote");
      if (at_ < text_.size()) ++at_;
      ++line_;
      return row;
    }
  }

  Result<std::string> plain() {
    const size_t end = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
    if (end < text_.size() && text_[end] == '"')
      return error("a quote inside an unquoted field; put the field in quotes and double it");
    std::string out(text_.substr(at_, end - at_));
    at_ = end;
    return out;
  }

  Result<std::string> quoted() {
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        out += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        out += '"';
        ++at_;
      } else {
        ++at_;
        return out;
      }
      if (out.size() > kMaxCsvField)
        return error("a field is longer than " + std::to_string(kMaxCsvField) + " bytes");
    }
    return error("a quoted field has no end");
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRow>> parse_csv(std::string_view text) {
  return Reader(text).all();
}

std::string csv_line(const CsvRow& fields) {
  std::string out;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i != 0) out += ',';
    // A lone empty field would read as an empty line, and a byte order mark in front as that of the text.
    const bool quote = fields[i].find_first_of(",\"\r\n") != std::string::npos ||
                       (fields.size() == 1 && fields[i].empty()) || fields[i].starts_with(kByteOrderMark);
    if (!quote) {
      out += fields[i];
      continue;
    }
    out += '"';
    for (const char c : fields[i]) out.append(c == '"' ? 2 : 1, c);
    out += '"';
  }
  return out + "\r\n";
}

}  // namespace dromos::admind
