#include "imapd/service/same_letters.h"

#include <cstdint>
#include <string>
#include <vector>

#include "common/mime/collation.h"
#include "common/store/word_text.h"

namespace dromos::imapd {
namespace {

/// The character at `at` as a number, and its length; of clean UTF-8.
uint32_t decode(std::string_view text, size_t at, size_t& length) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<uint32_t>(static_cast<unsigned char>(text[at + i])) : 0U;
  };
  const uint32_t lead = byte(0);
  length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t value = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) value = value << 6U | (byte(i) & 0x3FU);
  return value;
}

bool combines(uint32_t character) {
  return character >= 0x300 && character <= 0x36F;
}

bool changes(std::string_view character) {
  const store::WordText words = store::word_text(character, character.size());
  if (words.words.empty() && words.bigrams.empty()) return false;  // stands between words
  return mime::compose(mime::decompose_folded(character)) != character;
}

/// Characters of two and three octets that change.
const std::vector<bool>& changing() {
  static const std::vector<bool> bits = [] {
    std::vector<bool> made(0x10000);
    for (uint32_t c = 0x80; c < 0x10000; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string text;
      if (c >= 0x800) text += static_cast<char>(0xE0U | c >> 12U);
      text += static_cast<char>(c >= 0x800 ? 0x80U | (c >> 6U & 0x3FU) : 0xC0U | c >> 6U);
      text += static_cast<char>(0x80U | (c & 0x3FU));
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
    size_t length = 0;
    const uint32_t character = decode(folded, at, length);
    if (character < 0x10000 ? changing()[character] : changes(folded.substr(at, length))) return false;
    at += length;
  }
  return true;
}

}  // namespace dromos::imapd
