// Internal to the store: rows of mail.blob, which both blob stores write and read.
#pragma once

#include "common/store/blob_store.h"

namespace dromos::store {

/// True if the account has it; the collector then leaves it alone for 24 h.
Task<Result<bool>> touch_blob(db::Pool& pool, AccountId account, BlobHash hash, Deadline deadline);
db::Params stage_params(AccountId account, const BlobInfo& info, std::string_view header,
                        std::string_view body, std::string_view location);
/// The row of a blob whose bytes are outside. StoreErrc::exists if another's row is there.
Task<Result<void>> stage_location(db::Pool& pool, AccountId account, const BlobInfo& info,
                                  std::string location, Deadline deadline);
Task<Result<BlobInfo>> stat_blob(db::Pool& pool, AccountId account, BlobHash hash, Deadline deadline);

/// Unpacked chunk of an external blob.
using ReadExternal = std::function<Result<std::string>(const std::string& location, int32_t number)>;
Task<Result<void>> read_blob(db::Pool& pool, ReadExternal external, AccountId account, BlobHash hash,
                             uint64_t offset, uint64_t length,
                             std::function<Task<Result<void>>(std::string_view)> on_piece, Deadline deadline);

}  // namespace dromos::store
