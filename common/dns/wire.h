// Reading and asking in DNS wire format (RFC 1035 §4): names, and one record set out of a response.
// Pure; bounded by the packet; compression pointers may only point backwards.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/dns/resolver.h"

namespace dromos::dns {

/// Lower case without final dot, labels at most 63 bytes, 253 in all; nothing if it is no name. "." is the
/// root: "".
std::optional<std::string> normalize_name(std::string_view name);

/// The name at `at` in `packet`; moves `at` behind it. Bytes that would confuse a text name ('.', controls, 8
/// bit) come as \DDD.
std::optional<std::string> read_name(std::string_view packet, size_t& at);

/// Answer section of `packet` for (name, type): follows CNAMEs (at most 16), gives data, TTL, existence (by
/// rcode and SOA of the authority section). Error: Errc::malformed, or Errc::server by rcode.
Result<RecordSet> read_answer(std::string_view packet, const std::string& name, RecordType type);

/// Data of an MX record as RecordSet holds it.
std::string encode_mx(uint16_t preference, std::string_view host);

}  // namespace dromos::dns
