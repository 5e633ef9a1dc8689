#include "imapd/service/header_cache.h"

namespace dromos::imapd {

HeaderCache::HeaderCache(size_t budget)
    : ChunkCache(budget, metrics::gauge("dromos_imapd_header_fields_bytes",
                                        "Memory of header fields kept for FETCH.")) {}

}  // namespace dromos::imapd
