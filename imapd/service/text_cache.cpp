#include "imapd/service/text_cache.h"

namespace dromos::imapd {

TextCache::TextCache(size_t budget)
    : ChunkCache(budget, metrics::gauge("dromos_imapd_search_texts_bytes",
                                        "Memory of texts for SEARCH BODY and TEXT.")) {}

}  // namespace dromos::imapd
