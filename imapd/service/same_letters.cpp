#include "imapd/service/same_letters.h"

#include <string>
#include <vector>

#include "common/base/utf8.h"
#include "common/mime/collation.h"
#include "common/store/word_text.h"

namespace dromos::imapd {
namespace {

bool combines(char32_t character) {
  return character >= 0x300 && character <= 0x36F;
}

bool has_words(std::string_view text) {
  const store::WordText words = store::word_text(text, text.size());
  return !words.words.empty() || !words.bigrams.empty();
}

bool changes(std::string_view character) {
  const std::string again = mime::compose(mime::decompose_folded(character));
  if (again == character) return false;
  return has_words(character) || has_words(again);  // else it stands between words, whatever becomes of it
}

/// Characters of two and three octets that change.
const std::vector<bool>& changing() {
  static const std::vector<bool> bits = [] {
    std::vector<bool> made(0x10000);
    for (char32_t c = 0x80; c < 0x10000; ++c) {
      if (!is_character(c)) continue;
      std::string text;
      append_utf8(text, c);
      made[c] = combines(c) || changes(text);
    }
    return made;
  }();
  return bits;
}

}  // namespace

bool same_letters(std::string_view folded) {
  for (size_t at = 0; at < folded.size();) {
    if (static_cast<unsigned char>(folded[at]) < 0x80) {
      ++at;
      continue;
    }
    const size_t begin = at;
    const char32_t character = next_character(folded, at);
    if (character < 0x10000 ? changing()[character] : changes(folded.substr(begin, at - begin))) return false;
  }
  return true;
}

}  // namespace dromos::imapd
