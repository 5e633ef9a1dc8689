// Internal to the store: queue bodies that are too large for the delivery call.
#pragma once

#include "common/store/blob_store.h"

namespace dromos::store {

/// All chunks in one transaction; expires after 24 h unless a queue message takes it. Idempotent.
Task<Result<void>> stage_queue_body(db::Pool& pool, Uuid body, const BlobSource& source, uint64_t header_size,
                                    Deadline deadline);

}  // namespace dromos::store
