// The kinds of value a configuration holds, and how each is written: durations "30s" "1h30m", sizes "25MiB",
// socket addresses "127.0.0.1:25" "[::]:25" ":25" "unix:/run/x.sock". Pure; parse_* give nothing on bad text.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dromos::config {

using Duration = std::chrono::milliseconds;

/// Bytes. "0", "512", "64KiB", "25MiB", "1GiB" (also KB MB GB, powers of 1000).
struct ByteSize {
  uint64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

/// Where to listen: an IP literal (empty: any address) and port, or a Unix socket's path. Port 0: the
/// kernel's choice.
struct SocketAddress {
  std::string host;
  uint16_t port = 0;
  std::string path;  ///< set: a Unix socket; host and port unused

  bool is_unix() const { return !path.empty(); }
  /// "127.0.0.1:25", "[::1]:25", "*:25" or "unix:/path": parse_socket_address reads it back.
  std::string to_string() const;
  bool operator==(const SocketAddress&) const = default;
};

/// Where to connect: a host name or IP literal, and a port.
struct HostPort {
  std::string host;
  uint16_t port = 0;
  std::string to_string() const;
  bool operator==(const HostPort&) const = default;
};

/// Text that must not be logged; given in the file, or by `<key>_file`.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

/// "250ms", "30s", "5m", "2h", "7d", "1h30m"; "0" alone needs no unit. At most kMaxDuration.
std::optional<Duration> parse_duration(std::string_view text);
inline constexpr Duration kMaxDuration = std::chrono::hours(24 * 3650);
std::optional<ByteSize> parse_size(std::string_view text);
std::optional<SocketAddress> parse_socket_address(std::string_view text);
/// `default_port` 0 means that the port must be written.
std::optional<HostPort> parse_host_port(std::string_view text, uint16_t default_port = 0);
/// "true" "false" "yes" "no" "on" "off".
std::optional<bool> parse_bool(std::string_view text);
/// A host name as in RFC 1123 §2.1, at most 253 octets.
bool is_host_name(std::string_view text);

}  // namespace dromos::config
