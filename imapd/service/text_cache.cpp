#include "imapd/service/text_cache.h"

#include <algorithm>
#include <set>

namespace dromos::imapd {

TextCache::TextCache(size_t budget)
    : ChunkCache(budget, metrics::gauge("dromos_imapd_search_texts_bytes",
                                        "Memory of texts for SEARCH BODY and TEXT.")) {}

int64_t TextCache::written(AccountId account) const {
  const std::lock_guard lock(told_mutex_);
  const auto known = told_.find(account.value);
  return known == told_.end() ? 0 : known->second.written;
}

void TextCache::renew(AccountId account, const store::Reindex::News& news) {
  const std::lock_guard lock(told_mutex_);
  const auto known = told_.find(account.value);
  const Told before = known == told_.end() ? Told{} : known->second;
  const Told now{news.mark, std::max(before.written, news.written)};
  if (now.mark != 0 || now.written != 0)
    told_[account.value] = now;
  else
    told_.erase(account.value);
  if (now.mark != before.mark || news.whole) return forget(account);
  std::set<std::pair<MailboxId, uint32_t>> chunks;
  for (const auto& place : news.places) chunks.emplace(place.mailbox, TextChunk::index_of(place.uid));
  for (const auto& [mailbox, index] : chunks) forget(account, mailbox, index);
}

}  // namespace dromos::imapd
