// A message for a server without 8BITMIME (RFC 6152 §3): as it is where no octet has the eighth bit, else
// with its 8-bit leaves in quoted-printable or base64, or the reason why that cannot be. Pure.
//
// Signed or encrypted multiparts, message/partial and 8-bit header fields are never touched: changing them
// would break what they say.
#pragma once

#include <string>
#include <string_view>

namespace dromos::mime {

struct SevenBit {
  enum class Form { as_it_is, converted, impossible } form = Form::as_it_is;
  std::string bytes;   ///< if converted
  std::string reason;  ///< if impossible
};

/// Larger messages are not converted.
inline constexpr size_t kMaxConverted = 64u << 20;

SevenBit seven_bit_form(std::string_view raw);
SevenBit seven_bit_too_large();
/// The same for messages with NUL octets, which no literal of IMAP but literal8 may carry (RFC 3516 §7):
/// leaves that hold them are encoded, others stay as they are, with eight bits too.
SevenBit without_nul(std::string_view raw);

}  // namespace dromos::mime
