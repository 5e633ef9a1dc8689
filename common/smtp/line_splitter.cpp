#include "common/smtp/line_splitter.h"

#include <cstring>

namespace dromos::smtp {

void LineSplitter::reset() {
  held_.clear();
  fault_ = LineStatus::line;
  partial_ = cr_ = returned_ = false;
}

void LineSplitter::keep(std::string_view bytes) {
  if (fault_ != LineStatus::line) return;
  if (std::memchr(bytes.data(), '\0', bytes.size()) != nullptr)
    fault_ = LineStatus::nul;
  else if (held_.size() + bytes.size() > limit_)
    fault_ = LineStatus::too_long;
  else
    held_.append(bytes);
}

LineStatus LineSplitter::finish(std::string_view& line) {
  const LineStatus status = fault_;
  fault_ = LineStatus::line;
  partial_ = cr_ = false;
  returned_ = true;
  line = status == LineStatus::line ? std::string_view(held_) : std::string_view();
  return status;
}

LineStatus LineSplitter::next(std::string_view& input, std::string_view& line) {
  if (returned_) {
    held_.clear();
    returned_ = false;
  }
  while (!input.empty()) {
    partial_ = true;
    if (cr_) {
      cr_ = false;
      if (input.front() == '\n') {
        input.remove_prefix(1);
        return finish(line);
      }
      if (fault_ == LineStatus::line) fault_ = LineStatus::bare_cr;
    }
    const size_t stop = input.find_first_of("\r\n");
    keep(input.substr(0, stop));
    if (stop == std::string_view::npos) {
      input = {};
      break;
    }
    if (input[stop] == '\r')
      cr_ = true;
    else if (fault_ == LineStatus::line)
      fault_ = LineStatus::bare_lf;
    input.remove_prefix(stop + 1);
  }
  return LineStatus::need_more;
}

std::string_view describe(LineStatus status) {
  switch (status) {
    case LineStatus::need_more:
      return "incomplete line";
    case LineStatus::line:
      return "line";
    case LineStatus::too_long:
      return "line is too long";
    case LineStatus::bare_cr:
      return "bare CR in command line";
    case LineStatus::bare_lf:
      return "bare LF in command line";
    case LineStatus::nul:
      return "NUL in command line";
  }
  return "bad line";
}

}  // namespace dromos::smtp
