// PROXY protocol, versions 1 and 2: the client's address as a trusted load balancer saw it.
// Pure: bytes in, value | need more | error out.
#pragma once

#include <optional>
#include <string_view>

#include "common/net/address.h"

namespace dromos::net {

struct ProxyHeader {
  size_t length = 0;              ///< bytes to consume
  std::optional<Address> source;  ///< nothing for LOCAL / UNKNOWN: keep the socket's own peer
};

inline constexpr size_t kMaxProxyHeader = 536;

/// nullopt: more bytes are needed (never past kMaxProxyHeader). An error means that the peer is not a proxy.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

}  // namespace dromos::net
