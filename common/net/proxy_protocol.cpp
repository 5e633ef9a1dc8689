#include "common/net/proxy_protocol.h"

#include <netinet/in.h>

#include <cstring>

#include "common/base/strings.h"

namespace dromos::net {
namespace {

constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kV1Limit = 107;

Unexpected bad(const char* why) {
  return fail(Errc::invalid_argument, std::string("PROXY header: ") + why);
}

Result<std::optional<ProxyHeader>> parse_v1(std::string_view bytes) {
  const size_t end = bytes.substr(0, kV1Limit).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kV1Limit) return bad("no line end within 107 bytes");
    return std::nullopt;
  }
  const auto words = split(bytes.substr(0, end), ' ');
  ProxyHeader header{end + 2, std::nullopt};
  if (words.size() >= 2 && words[1] == "UNKNOWN") return header;
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6"))
    return bad("not 'PROXY TCP4|TCP6 source destination port port'");
  const auto port = parse_number<uint16_t>(words[4]);
  auto source = Address::from_ip(words[2], port.value_or(0));
  if (!port || !source || (source->family() == AF_INET) != (words[1] == "TCP4"))
    return bad("bad source address or port");
  header.source = *source;
  return header;
}

Result<std::optional<ProxyHeader>> parse_v2(std::string_view bytes) {
  if (bytes.size() < 16) return std::nullopt;
  const auto u8 = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const size_t length = 16u + (static_cast<size_t>(u8(14)) << 8 | u8(15));
  if (u8(12) >> 4 != 2) return bad("unknown version");
  if (length > kMaxProxyHeader) return bad("too long");
  if (bytes.size() < length) return std::nullopt;
  ProxyHeader header{length, std::nullopt};
  const int command = u8(12) & 15;
  if (command == 0) return header;  // LOCAL: the balancer's own health check
  if (command != 1) return bad("unknown command");
  if (u8(13) == 0x11 && length >= 16 + 12) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, bytes.data() + 16, 4);
    std::memcpy(&v4.sin_port, bytes.data() + 24, 2);
    header.source = Address(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  } else if (u8(13) == 0x21 && length >= 16 + 36) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, bytes.data() + 16, 16);
    std::memcpy(&v6.sin6_port, bytes.data() + 48, 2);
    header.source = Address(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  }
  return header;
}

}  // namespace

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
  const std::string_view v2 = bytes.substr(0, kV2Signature.size());
  if (kV2Signature.starts_with(v2) && (v2.size() == kV2Signature.size() || !v2.empty())) {
    if (v2.size() < kV2Signature.size()) return std::nullopt;
    return parse_v2(bytes);
  }
  constexpr std::string_view kV1 = "PROXY ";
  if (kV1.starts_with(bytes.substr(0, kV1.size()))) {
    if (bytes.size() < kV1.size()) return std::nullopt;
    return parse_v1(bytes);
  }
  return bad("missing");
}

}  // namespace dromos::net
