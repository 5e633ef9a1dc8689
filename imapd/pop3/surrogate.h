// Messages with UTF-8 in their header for clients that did not say UTF8 (RFC 6856 §2.1, RFC 6855 §7): the
// simplified downgrading of RFC 6858. Names and subject become encoded words, addresses that need UTF-8 an
// invalid one under their name, MIME parameters and all other fields in need of UTF-8 are left out. Fields
// that are 8-bit but no UTF-8 are nobody's standard and stay. Headers of inner parts stay, too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dromos::imapd::pop3 {

/// Of a message, in which its header must end to be replaced.
inline constexpr size_t kSurrogateFront = 256 * 1024;

struct Surrogate {
  std::string header;          // with its blank line
  size_t replaced_octets = 0;  // of the message's front
};

/// Nothing if the message can be shown as it is. `front` holds the whole header; a longer one is shown as it
/// is.
std::optional<Surrogate> surrogate_header(std::string_view front);

}  // namespace dromos::imapd::pop3
