// Rights on mailboxes (RFC 4314 §2.1) as bits, in the order of the letters "lrswipkxtea".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/store/types.h"

namespace dromos::store {

enum Right : uint32_t {
  kLookup = 1,
  kRead = 2,
  kKeepSeen = 4,
  kWrite = 8,
  kInsert = 16,
  kPost = 32,
  kCreate = 64,
  kDeleteMailbox = 128,
  kDeleteMessages = 256,
  kExpunge = 512,
  kAdminister = 1024,
};
using Rights = uint32_t;
constexpr Rights kAllRights = 2047;
constexpr std::string_view kRightLetters = "lrswipkxtea";

std::string plain_letters_of(Rights rights);
/// With "c" and "d", the unions of RFC 2086, where one of their members is held (RFC 4314 §2.1.1).
std::string letters_of(Rights rights);
/// "c" is "kx", "d" is "te". Nothing: a letter that is no right.
std::optional<Rights> rights_of(std::string_view letters);
/// Flag bits that may be set or cleared; keywords need kWrite.
constexpr int32_t flags_allowed(Rights rights) {
  return ((rights & kKeepSeen) != 0 ? kSeen : 0) | ((rights & kDeleteMessages) != 0 ? kDeleted : 0) |
         ((rights & kWrite) != 0 ? kAnswered | kFlagged | kDraft : 0);
}

}  // namespace dromos::store
