// TextCache: texts of the process in chunks (chunk_cache.h, text_chunk.h).
#pragma once

#include "common/store/reindex.h"
#include "imapd/service/chunk_cache.h"
#include "imapd/service/text_chunk.h"

namespace dromos::imapd {

class TextCache : public ChunkCache<TextChunk> {
 public:
  explicit TextCache(size_t budget);
  /// `since` for store::Reindex::news.
  int64_t written(AccountId account) const;
  /// Forgets what somebody wrote anew, this process or another: all of the account if its mark is another
  /// than the last told, and the chunks of messages whose attachments were read. To be told before what is
  /// held is used, or made.
  void renew(AccountId account, const store::Reindex::News& news);

 private:
  struct Told {
    int64_t mark = 0;
    int64_t written = 0;
  };
  mutable std::mutex told_mutex_;
  std::unordered_map<int64_t, Told>
      told_;  // by account; of those that were reindexed or have such attachments
};

}  // namespace dromos::imapd
