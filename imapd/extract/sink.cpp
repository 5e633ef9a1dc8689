#include "imapd/extract/sink.h"

#include "common/base/strings.h"

namespace dromos::extract {

void Sink::add(std::string_view utf8) {
  std::string text(utf8);
  for (char& c : text)
    if (c != '\n' && (static_cast<unsigned char>(c) < ' ' || c == 0x7F)) c = ' ';
  text = clean_utf8(text);
  if (size_t room = limit_ - text_.size(); room < text.size()) {
    while (room > 0 && (static_cast<unsigned char>(text[room]) & 0xC0) == 0x80) --room;
    text.resize(room);
    cut_ = true;
  }
  text_ += text;
}

void Sink::separate(char with) {
  if (cut_ || text_.empty() || text_.back() == '\n' || text_.back() == with) return;
  if (text_.back() == ' ')
    text_.back() = with;
  else if (text_.size() < limit_)
    text_ += with;
}

bool Sink::full() {
  // Less room than any character may need.
  if (text_.size() + 4 > limit_ || Clock::now() >= until_) cut_ = true;
  return cut_;
}

}  // namespace dromos::extract
