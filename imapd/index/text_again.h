// Texts of messages made anew from their stored bytes, as delivery makes them.
#pragma once

#include "common/store/messages.h"
#include "common/store/reindex.h"

namespace dromos::imapd {

/// Messages that are gone or whose bytes are damaged are left out. `documents_later`: those that have
/// documents to be read (attachment.h) are only named in `later`.
Task<Result<store::Reindex::Texts>> texts_again(store::Messages& messages, store::BlobStore& blobs,
                                                AccountId account, std::vector<MessageId> ids,
                                                bool documents_later, Deadline deadline);

}  // namespace dromos::imapd
