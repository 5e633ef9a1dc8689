#include "common/config/types.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <limits>

#include "common/base/strings.h"

namespace dromos::config {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array kTimeUnits = {Unit{"ms", 1},         Unit{"s", 1000},      Unit{"m", 60'000},
                                   Unit{"min", 60'000},   Unit{"h", 3'600'000}, Unit{"d", 86'400'000},
                                   Unit{"w", 604'800'000}};
constexpr std::array kSizeUnits = {Unit{"", 1},
                                   Unit{"B", 1},
                                   Unit{"KiB", 1ull << 10},
                                   Unit{"MiB", 1ull << 20},
                                   Unit{"GiB", 1ull << 30},
                                   Unit{"TiB", 1ull << 40},
                                   Unit{"KB", 1000},
                                   Unit{"MB", 1'000'000},
                                   Unit{"GB", 1'000'000'000}};

/// Reads digits and the letters behind them; advances `text`.
template <size_t N>
std::optional<uint64_t> take_amount(std::string_view& text, const std::array<Unit, N>& units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number<uint64_t>(text.substr(0, digits));
  text.remove_prefix(digits);
  const size_t letters = std::min(text.find_first_of("0123456789"), text.size());
  const std::string_view name = text.substr(0, letters);
  text.remove_prefix(letters);
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  if (!number || unit == units.end()) return std::nullopt;
  if (*number > std::numeric_limits<uint64_t>::max() / unit->factor) return std::nullopt;
  return *number * unit->factor;
}

bool is_ip(const std::string& text) {
  unsigned char buffer[16];
  return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 || ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

/// "host:port" or "[v6]:port" into its halves.
std::optional<std::pair<std::string, std::string_view>> split_host_port(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t close = text.find("]:");
    if (close == std::string_view::npos) return std::nullopt;
    const std::string host(text.substr(1, close - 1));
    if (host.find(':') == std::string::npos || !is_ip(host)) return std::nullopt;
    return std::pair(host, text.substr(close + 2));
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
    return std::nullopt;
  return std::pair(std::string(text.substr(0, colon)), text.substr(colon + 1));
}

std::string join_host_port(const std::string& host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

/// sun_path holds 108 bytes with the final NUL.
constexpr size_t kMaxSocketPath = 107;

}  // namespace

std::string SocketAddress::to_string() const {
  if (is_unix()) return "unix:" + path;
  return join_host_port(host.empty() ? "*" : host, port);
}

std::string HostPort::to_string() const {
  return join_host_port(host, port);
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  uint64_t total = 0;
  while (!text.empty()) {
    const auto part = take_amount(text, kTimeUnits);
    if (!part || *part > static_cast<uint64_t>(kMaxDuration.count())) return std::nullopt;
    total += *part;
    if (total > static_cast<uint64_t>(kMaxDuration.count())) return std::nullopt;
  }
  return Duration(static_cast<Duration::rep>(total));
}

std::optional<ByteSize> parse_size(std::string_view text) {
  const auto bytes = take_amount(text, kSizeUnits);
  if (!bytes || !text.empty() || *bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return ByteSize{*bytes};
}

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  if (text.starts_with("unix:")) text.remove_prefix(5);
  if (text.starts_with('/')) {
    if (text.size() > kMaxSocketPath || text.find('\0') != std::string_view::npos) return std::nullopt;
    return SocketAddress{.path = std::string(text)};
  }
  const auto halves = split_host_port(text);
  if (!halves) return std::nullopt;
  const auto port = parse_number<uint16_t>(halves->second);
  std::string host = halves->first == "*" ? "" : halves->first;
  if (host == "localhost") host = "127.0.0.1";
  if (!port || (!host.empty() && !is_ip(host))) return std::nullopt;
  return SocketAddress{.host = std::move(host), .port = *port};
}

std::optional<HostPort> parse_host_port(std::string_view text, uint16_t default_port) {
  std::string host(text);
  std::optional<uint16_t> port = default_port;
  if (const auto halves = split_host_port(text)) {
    host = halves->first;
    port = parse_number<uint16_t>(halves->second);
  }
  if (!port || *port == 0 || (!is_ip(host) && !is_host_name(host))) return std::nullopt;
  return HostPort{std::move(host), *port};
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::nullopt;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (const std::string_view label : split(text, '.')) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if (!is_alpha(c) && !is_digit(c) && c != '-') return false;
    }
  }
  return true;
}

}  // namespace dromos::config
