// HeaderCache: header fields of the process in chunks (chunk_cache.h, header_chunk.h), apart for each list of
// names (Key::variant).
#pragma once

#include "imapd/service/chunk_cache.h"
#include "imapd/service/header_chunk.h"

namespace dromos::imapd {

class HeaderCache : public ChunkCache<HeaderChunk> {
 public:
  explicit HeaderCache(size_t budget);
};

}  // namespace dromos::imapd
