#include "imapd/service/key_cache.h"

namespace dromos::imapd {

KeyCache::KeyCache(size_t budget)
    : ChunkCache(budget, metrics::gauge("dromos_imapd_message_keys_bytes",
                                        "Memory of keys for SORT, THREAD and SEARCH.")) {}

}  // namespace dromos::imapd
