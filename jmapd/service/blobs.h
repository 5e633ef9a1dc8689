// Bytes behind blob ids: uploads, messages, and MIME parts decoded out of either.
#pragma once

#include "jmapd/protocol/error.h"
#include "jmapd/protocol/values.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

/// The whole blob. "blobNotFound" for what the account does not hold, is no such part, or cannot be decoded.
Task<Outcome<std::string>> load_blob(Services& services, AccountId account, BlobId id, Deadline deadline);
store::BlobHash hash_of(const BlobId& id);

}  // namespace dromos::jmapd
