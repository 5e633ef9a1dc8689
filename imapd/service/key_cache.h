// KeyCache: message keys of the process (chunk_cache.h).
#pragma once

#include "imapd/service/chunk_cache.h"
#include "imapd/service/message_keys.h"

namespace dromos::imapd {

class KeyCache : public ChunkCache<KeyChunk> {
 public:
  explicit KeyCache(size_t budget);
};

}  // namespace dromos::imapd
