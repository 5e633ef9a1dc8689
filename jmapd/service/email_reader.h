// Reading what the store holds of emails: facts of many, bytes of one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/store/blob_store.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

struct StoredFacts {
  store::BlobHash blob{};
  std::string facts;
};

/// Those that are gone are not in the answer.
Task<Result<std::map<MessageId, StoredFacts>>> facts_of(Services& services, AccountId account,
                                                        std::vector<MessageId> ids, Deadline deadline);
/// The first `length` bytes of the message; 0: all.
Task<Result<std::string>> read_raw(Services& services, AccountId account, MessageId id, uint64_t length,
                                   Deadline deadline);

}  // namespace dromos::jmapd
