// RFC 2047 decoding of header text.
#include <algorithm>
#include <optional>

#include "common/base/strings.h"
#include "common/mime/charset.h"
#include "common/mime/encodings.h"
#include "common/mime/header.h"

namespace dromos::mime {
namespace {

constexpr size_t kMaxCharset = 64;

struct Word {
  std::string_view charset;
  char encoding = 0;
  std::string_view text;
  size_t end = 0;
};

// Finds "=?charset?E?text?=" at `at`. `next_end` remembers where the next "?=" is: the scan stays linear.
std::optional<Word> word_at(std::string_view value, size_t at, size_t& next_end) {
  const size_t name = at + 2;
  const size_t mark = value.substr(0, std::min(value.size(), name + kMaxCharset)).find('?', name);
  if (mark == std::string_view::npos || mark == name || mark + 3 > value.size() || value[mark + 2] != '?')
    return std::nullopt;
  Word word;
  word.charset = value.substr(name, mark - name);
  if (word.charset.find_first_of(" \t\"()<>@,;:[]=") != std::string_view::npos) return std::nullopt;
  word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231 §5 language
  word.encoding = ascii_lower(value[mark + 1]);
  if (word.encoding != 'b' && word.encoding != 'q') return std::nullopt;
  const size_t text = mark + 3;
  if (next_end != std::string_view::npos && next_end < text) next_end = value.find("?=", text);
  if (next_end == std::string_view::npos) return std::nullopt;
  word.text = value.substr(text, next_end - text);
  word.end = next_end + 2;
  return word;
}

std::string decode_q(std::string_view text) {
  std::string out;
  const auto digit = [](char c) {
    if (is_digit(c)) return c - '0';
    const char l = ascii_lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] == '=' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// Header text is one line of text: no controls.
void append_clean(std::string& out, std::string_view utf8) {
  for (const char c : utf8) {
    if (c == '\r' || c == '\n' || c == '\0')
      out += ' ';
    else
      out += c;
  }
}

void append_raw(std::string& out, std::string_view bytes) {
  if (is_ascii(bytes))
    append_clean(out, bytes);
  else
    append_clean(out, to_utf8(bytes, ""));
}

}  // namespace

std::string decode_words(std::string_view value) {
  std::string out;
  size_t at = value.find("=?");
  if (at == std::string_view::npos) {
    append_raw(out, value);
    return out;
  }
  size_t done = 0;  // bytes of value that are in out
  size_t next_end = 0;
  std::string bytes;  // of adjacent words in one charset: some senders split characters
  std::string charset;
  bool after_word = false;
  const auto flush = [&] {
    if (!bytes.empty()) append_clean(out, to_utf8(bytes, charset));
    bytes.clear();
  };
  while (at != std::string_view::npos) {
    const auto word = word_at(value, at, next_end);
    if (!word) {
      at = value.find("=?", at + 2);
      continue;
    }
    const std::string_view between = value.substr(done, at - done);
    if (!after_word || !trim(between).empty()) {
      flush();
      append_raw(out, between);
    }
    if (!iequals(charset, word->charset)) {
      flush();
      charset = std::string(word->charset);
    }
    bytes += word->encoding == 'q' ? decode_q(word->text) : decode(Encoding::base64, word->text);
    after_word = true;
    done = word->end;
    at = value.find("=?", done);
  }
  flush();
  append_raw(out, value.substr(done));
  return out;
}

std::string decode_text(std::string_view value) {
  return decode_words(unfold(value));
}

}  // namespace dromos::mime
