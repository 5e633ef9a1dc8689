// First addresses of a rendered ENVELOPE (RFC 9051 §7.5.2), as SORT sees them (RFC 5256 §3, RFC 5957 §3).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace dromos::imapd {

struct EnvelopeAddress {
  std::optional<std::string> name;
  std::optional<std::string> mailbox;
  std::optional<std::string> host;
};
enum class EnvelopeField : uint8_t { from, sender, reply_to, to, cc, bcc, count_ };

/// Nothing where a field is NIL. False: that is no envelope.
using FirstAddresses = std::array<std::optional<EnvelopeAddress>, static_cast<size_t>(EnvelopeField::count_)>;
bool first_addresses(std::string_view envelope, FirstAddresses& out);

/// RFC 5957 §3: decoded name, else mailbox@host, else mailbox, else nothing. UTF-8.
std::string display_value(const EnvelopeAddress& address);

}  // namespace dromos::imapd
