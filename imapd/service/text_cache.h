// TextCache: texts of the process in chunks (chunk_cache.h, text_chunk.h).
#pragma once

#include "imapd/service/chunk_cache.h"
#include "imapd/service/text_chunk.h"

namespace dromos::imapd {

class TextCache : public ChunkCache<TextChunk> {
 public:
  explicit TextCache(size_t budget);
};

}  // namespace dromos::imapd
