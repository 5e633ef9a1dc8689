// TextCache: texts of the process in chunks (chunk_cache.h, text_chunk.h).
#pragma once

#include "imapd/service/chunk_cache.h"
#include "imapd/service/text_chunk.h"

namespace dromos::imapd {

class TextCache : public ChunkCache<TextChunk> {
 public:
  explicit TextCache(size_t budget);
  /// Forgets an account's texts if their `mark` (store::Reindex::mark) is another than the last told:
  /// somebody wrote them anew. To be told before what is held is used, or made.
  void renew(AccountId account, int64_t mark);

 private:
  std::mutex marks_mutex_;
  std::unordered_map<int64_t, int64_t> marks_;  // by account; of those that were reindexed
};

}  // namespace dromos::imapd
