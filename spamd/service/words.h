// Words of UTF-8 text as tokens: lower-cased, numbers and random strings reduced to shapes, CJK cut into
// pairs of characters, neighbours joined to pairs.
#pragma once

#include <cstddef>
#include <string_view>

#include "spamd/service/tokens.h"

namespace dromos::spamd {

struct WordOptions {
  Group words = Group::word;
  Group pairs = Group::pair;
  std::string_view tag;  ///< put before each word ("subject:")
  size_t max_words = 2500;
  int window = 2;  ///< pairs reach this many words back; 0: no pairs
};

struct WordStats {
  size_t words = 0;
  size_t capital_words = 0;  ///< four letters or more, all ASCII capitals
  size_t wide_chars = 0;     ///< characters of three bytes and more
  size_t zero_width = 0;     ///< U+200B-U+200F, U+2060, U+FEFF, U+00AD between letters
};

WordStats add_words(TokenSet& tokens, std::string_view text, const WordOptions& options);

}  // namespace dromos::spamd
