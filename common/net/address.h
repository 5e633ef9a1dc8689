// Address: where a socket listens, connects or comes from: IPv4, IPv6 or a Unix path.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "common/base/result.h"

namespace dromos::net {

class Address {
 public:
  Address() = default;
  Address(const sockaddr* address, socklen_t length);
  /// "127.0.0.1:25", "[::1]:25", "*:25" (all IPv6 and IPv4), ":25" likewise, "/run/x.sock" or
  /// "unix:/run/x.sock".
  static Result<Address> parse(std::string_view text);
  /// A numeric IP; no names.
  static Result<Address> from_ip(std::string_view ip, uint16_t port);
  static Address unix_path(std::string_view path);

  int family() const { return storage_.ss_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_loopback() const;
  /// "10.0.0.0/8", "2001:db8::/32" or a single IP. IPv4-mapped addresses count as IPv4.
  bool in_prefix(std::string_view prefix) const;
  uint16_t port() const;
  /// "192.0.2.1" (IPv4-mapped shown as IPv4), "2001:db8::1", or the path.
  std::string ip() const;
  /// "192.0.2.1:25", "[2001:db8::1]:25", "unix:/path".
  std::string to_string() const;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace dromos::net
