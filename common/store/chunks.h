// Internal to the store: how raw bytes are cut. Chunk 0 is the header, chunk n the n-th kChunkBytes after it.
#pragma once

#include <algorithm>

#include "common/store/blob_store.h"

namespace dromos::store {

struct ChunkSpan {
  uint64_t offset = 0;
  size_t length = 0;
};

inline int32_t chunk_count(uint64_t size, uint64_t header_size) {
  return 1 +
         static_cast<int32_t>(std::max<uint64_t>(1, (size - header_size + kChunkBytes - 1) / kChunkBytes));
}

inline ChunkSpan chunk_span(uint64_t size, uint64_t header_size, int32_t number) {
  if (number == 0) return {0, static_cast<size_t>(header_size)};
  const uint64_t offset = std::min(size, header_size + static_cast<uint64_t>(number - 1) * kChunkBytes);
  return {offset, static_cast<size_t>(std::min<uint64_t>(kChunkBytes, size - offset))};
}

/// Reads and packs one chunk off the reactor (a 256 KB chunk costs about 1 ms).
Task<Result<std::string>> packed_chunk(const BlobSource& source, ChunkSpan span);

}  // namespace dromos::store
