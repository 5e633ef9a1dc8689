#include "imapd/service/text_cache.h"

namespace dromos::imapd {

TextCache::TextCache(size_t budget)
    : ChunkCache(budget, metrics::gauge("dromos_imapd_search_texts_bytes",
                                        "Memory of texts for SEARCH BODY and TEXT.")) {}

void TextCache::renew(AccountId account, int64_t mark) {
  const std::lock_guard lock(marks_mutex_);
  const auto known = marks_.find(account.value);
  if (mark == (known == marks_.end() ? 0 : known->second)) return;
  if (mark != 0)
    marks_[account.value] = mark;
  else
    marks_.erase(account.value);
  forget(account);
}

}  // namespace dromos::imapd
