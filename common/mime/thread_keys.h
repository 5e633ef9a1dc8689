// Thread keys: what two messages must share to be of one thread (RFC 8621 §3): a message id, the id of one in
// reply to which they are, or of a reference, together with the base subject (RFC 5256 §2.1). Hashes only:
// the store keeps and compares them, and they never change for a message.
#pragma once

#include <cstdint>
#include <vector>

#include "common/mime/facts.h"

namespace dromos::mime {

/// Of long References the nearest ancestors count.
inline constexpr size_t kMaxThreadKeys = 32;

/// Nearest parent first, the message's own id last; each once. Empty without any id.
std::vector<int64_t> thread_keys(const Facts& facts);

}  // namespace dromos::mime
