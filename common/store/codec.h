// Codec of stored bytes: each chunk is one zstd frame (docs/formats/blob.md). Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace dromos::store {

constexpr int kCodecZstd = 1;
constexpr size_t kChunkBytes = 256 * 1024;
/// A chunk or extract that claims to be larger than this is damaged.
constexpr size_t kMaxUnpacked = 64 * 1024 * 1024;

std::string pack(std::string_view bytes);
/// StoreErrc::blob_gone if the bytes are damaged or the codec is unknown.
Result<std::string> unpack(int64_t codec, std::string_view packed);

}  // namespace dromos::store
