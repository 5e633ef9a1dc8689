#include "common/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

#include "common/base/strings.h"

namespace dromos::net {

Address::Address(const sockaddr* address, socklen_t length) : length_(length) {
  std::memcpy(&storage_, address, std::min<size_t>(length, sizeof storage_));
}

Result<Address> Address::from_ip(std::string_view ip, uint16_t port) {
  const std::string text(ip);
  Address out;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage_);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage_);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    out.length_ = sizeof *v4;
    return out;
  }
  out.storage_ = {};
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    out.length_ = sizeof *v6;
    return out;
  }
  return fail(Errc::invalid_argument, "not an IP address: '" + text + "'");
}

Address Address::unix_path(std::string_view path) {
  Address out;
  auto* un = reinterpret_cast<sockaddr_un*>(&out.storage_);
  un->sun_family = AF_UNIX;
  const size_t n = std::min(path.size(), sizeof un->sun_path - 1);
  std::memcpy(un->sun_path, path.data(), n);
  out.length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + n + 1);
  return out;
}

Result<Address> Address::parse(std::string_view text) {
  if (istarts_with(text, "unix:")) text.remove_prefix(5);
  if (text.starts_with('/')) {
    if (text.size() >= sizeof(sockaddr_un::sun_path))
      return fail(Errc::invalid_argument,
                  "socket path is longer than 107 bytes: '" + std::string(text) + "'");
    return unix_path(text);
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return fail(Errc::invalid_argument,
                "no port in '" + std::string(text) + "' (want IP:PORT, [IPv6]:PORT or a socket path)");
  const auto port = parse_number<uint16_t>(text.substr(colon + 1));
  if (!port) return fail(Errc::invalid_argument, "bad port in '" + std::string(text) + "' (0 to 65535)");
  std::string_view host = text.substr(0, colon);
  if (host.empty() || host == "*") host = "::";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return from_ip(host, *port);
}

bool Address::is_loopback() const {
  if (is_unix()) return true;
  const std::string text = ip();
  return text == "::1" || text.starts_with("127.");
}

namespace {
// Network bytes of an IP, IPv4-mapped ones as IPv4; empty for Unix sockets.
std::string ip_bytes(const Address& address) {
  if (address.family() == AF_INET)
    return std::string(
        reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in*>(address.get())->sin_addr), 4);
  if (address.family() != AF_INET6) return "";
  const in6_addr& ip6 = reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr;
  const std::string bytes(reinterpret_cast<const char*>(&ip6), 16);
  return IN6_IS_ADDR_V4MAPPED(&ip6) ? bytes.substr(12) : bytes;
}
}  // namespace

bool Address::in_prefix(std::string_view prefix) const {
  const size_t slash = prefix.find('/');
  const auto network = from_ip(prefix.substr(0, slash), 0);
  if (!network) return false;
  const std::string mine = ip_bytes(*this), theirs = ip_bytes(*network);
  if (mine.empty() || mine.size() != theirs.size()) return false;
  size_t bits = mine.size() * 8;
  if (slash != std::string_view::npos) {
    const auto length = parse_number<size_t>(prefix.substr(slash + 1));
    if (!length || *length > bits) return false;
    bits = *length;
  }
  if (mine.compare(0, bits / 8, theirs, 0, bits / 8) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - bits % 8));
  return ((static_cast<unsigned char>(mine[bits / 8]) ^ static_cast<unsigned char>(theirs[bits / 8])) &
          mask) == 0;
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
  return 0;
}

std::string Address::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text, sizeof text);
  } else if (family() == AF_INET6) {
    const in6_addr& ip6 = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&ip6))
      inet_ntop(AF_INET, ip6.s6_addr + 12, text, sizeof text);
    else
      inet_ntop(AF_INET6, &ip6, text, sizeof text);
  } else if (is_unix()) {
    const auto* un = reinterpret_cast<const sockaddr_un*>(&storage_);
    if (length_ <= offsetof(sockaddr_un, sun_path)) return "";
    return un->sun_path;
  }
  return text;
}

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + ip();
  const std::string host = ip();
  return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port());
}

}  // namespace dromos::net
