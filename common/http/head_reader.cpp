#include "common/http/head_reader.h"

#include "common/http/headers.h"

namespace dromos::http {
namespace {

bool has_control(std::string_view text) {
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((u < 0x20 && c != '\t') || u == 0x7f) return true;
  }
  return false;
}

}  // namespace

const char* check_field_line(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return "folded header line";
  if (has_control(line)) return "control character in header";
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "header line without colon";
  if (!is_token(line.substr(0, colon))) return "bad header name";
  return nullptr;
}

HeadReader::HeadReader(size_t max_bytes, size_t max_fields, size_t max_start_line)
    : max_bytes_(max_bytes), max_fields_(max_fields), max_start_line_(max_start_line) {}

void HeadReader::reset() {
  bytes_.clear();
  line_start_ = start_line_size_ = fields_ = skipped_ = 0;
  error_ = {};
}

HeadReader::State HeadReader::fail(int status, const char* text) {
  error_ = {status, skipped_ + line_start_, text};
  return State::error;
}

bool HeadReader::check_size() {
  if (start_line_size_ == 0 && bytes_.size() - line_start_ > max_start_line_) {
    fail(414, "request line too long");
    return false;
  }
  if (bytes_.size() > max_bytes_) {
    fail(431, "header too large");
    return false;
  }
  return true;
}

HeadReader::State HeadReader::feed(std::string_view bytes, size_t& consumed) {
  consumed = 0;
  while (consumed < bytes.size()) {
    const std::string_view rest = bytes.substr(consumed);
    const size_t lf = rest.find('\n');
    // Never gather more than the bound allows, however much was fed.
    const size_t room = max_bytes_ + 1 - bytes_.size();
    const size_t take = std::min(lf == std::string_view::npos ? rest.size() : lf + 1, room);
    bytes_ += rest.substr(0, take);
    consumed += take;
    if (!check_size()) return State::error;
    if (bytes_.back() != '\n') continue;
    const State state = end_line();
    if (state != State::need_more) return state;
  }
  return State::need_more;
}

HeadReader::State HeadReader::end_line() {
  std::string_view line = std::string_view(bytes_).substr(line_start_);
  if (line.size() < 2 || line[line.size() - 2] != '\r') return fail(400, "line feed without carriage return");
  line.remove_suffix(2);
  if (line_start_ == 0) {
    if (line.empty()) {
      if (skipped_ > 0) return fail(400, "empty lines before the request");
      skipped_ = bytes_.size();
      bytes_.clear();
      return State::need_more;
    }
    if (has_control(line)) return fail(400, "control character in start line");
    start_line_size_ = line.size();
  } else {
    if (line.empty()) return State::done;
    if (const char* wrong = check_field_line(line)) return fail(400, wrong);
    if (++fields_ > max_fields_) return fail(431, "too many header fields");
  }
  line_start_ = bytes_.size();
  return State::need_more;
}

}  // namespace dromos::http
