#include "imapd/pop3/protocol/multiline.h"

namespace dromos::imapd::pop3 {

void DotStuffer::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (at_line_start_ && bytes.front() == '.') out += '.';
    const size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end);
    if (!line.empty()) cr_ = line.back() == '\r';
    out += line;
    at_line_start_ = end != std::string_view::npos;
    if (!at_line_start_) return;
    out += cr_ ? "\n" : "\r\n";
    cr_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void DotStuffer::finish(std::string& out) {
  if (!at_line_start_) out += cr_ ? "\n" : "\r\n";
  out += ".\r\n";
  at_line_start_ = true;
  cr_ = false;
}

void SentLength::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  octets_ += bytes.size();
  for (size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1))
    if ((at == 0 ? last_ : bytes[at - 1]) != '\r') ++octets_;
  last_ = bytes.back();
}

uint64_t SentLength::total() const {
  if (last_ == '\n') return octets_;
  return octets_ + (last_ == '\r' ? 1 : 2);
}

size_t TopCutter::take(std::string_view bytes) {
  size_t at = 0;
  while (!done_ && at < bytes.size()) {
    const size_t end = bytes.find('\n', at);
    const std::string_view line = bytes.substr(at, end == std::string_view::npos ? end : end - at);
    if (in_header_ && line.find_first_not_of('\r') != std::string_view::npos) blank_ = false;
    if (end == std::string_view::npos) return bytes.size();
    at = end + 1;
    if (in_header_) {
      in_header_ = !blank_;
      done_ = blank_ && left_ == 0;
      blank_ = true;
    } else {
      done_ = --left_ == 0;
    }
  }
  return at;
}

}  // namespace dromos::imapd::pop3
