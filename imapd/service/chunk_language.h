// The language of a text held in memory, as the word index guesses it of the stored text
// (imapd/index/language.h).
#pragma once

#include <cstddef>

#include "imapd/service/text_chunk.h"

namespace dromos::imapd {

/// Its number in index_languages(). The guess is kept with the row; on any thread.
size_t chunk_language(const TextChunk& chunk, size_t row);

}  // namespace dromos::imapd
