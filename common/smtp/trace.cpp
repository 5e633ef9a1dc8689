#include "common/smtp/trace.h"

#include "common/base/strings.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace dromos::smtp {
namespace {

constexpr size_t kMaxToken = 255;

/// One word of host-name or token characters; all else becomes '?'. Brackets and colons are for literals.
std::string token(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxToken)) {
    const bool plain =
        is_alpha(c) || is_digit(c) || std::string_view("-._:[]").find(c) != std::string_view::npos;
    out.push_back(plain && c != '\0' ? c : '?');
  }
  return out.empty() ? "unknown" : out;
}

std::string literal(std::string_view ip) {
  const std::string prefix = ip.find(':') != std::string_view::npos ? "[IPv6:" : "[";
  return prefix + token(ip) + "]";
}

}  // namespace

std::string protocol_name(const ReceivedInfo& info) {
  if (!info.esmtp && !info.lmtp) return "SMTP";
  std::string name = info.lmtp ? "LMTP" : info.smtputf8 ? "SMTP" : "ESMTP";
  if (info.smtputf8) name = "UTF8" + name;
  if (info.tls) name += "S";
  if (info.authenticated) name += "A";
  return name;
}

std::string received_header(const ReceivedInfo& info) {
  std::string out = "Received: from " + token(info.helo);
  if (!info.client_ip.empty())
    out += " (" + (info.client_name.empty() ? "unknown" : token(info.client_name)) + " " +
           literal(info.client_ip) + ")";
  if (info.tls && !info.tls_version.empty()) {
    out += "\r\n\t(using " + token(info.tls_version);
    if (!info.tls_cipher.empty()) out += " with cipher " + token(info.tls_cipher);
    out += ")";
  }
  out += "\r\n\tby " + token(info.by) + " with " + protocol_name(info) + " id " + token(info.id);
  if (info.recipient) out += "\r\n\tfor <" + info.recipient->to_string() + ">";
  return out + ";\r\n\t" + format_date(info.time_us) + "\r\n";
}

std::string return_path_header(const std::optional<Mailbox>& from) {
  return "Return-Path: <" + (from ? from->to_string() : std::string()) + ">\r\n";
}

size_t received_count(std::string_view message) {
  size_t count = 0;
  while (!message.empty()) {
    const size_t lf = message.find('\n');
    const std::string_view line = message.substr(0, lf);
    if (line.empty() || line == "\r") break;
    if (istarts_with(line, "Received")) {
      const size_t after = line.find_first_not_of(" \t", 8);
      if (after != std::string_view::npos && line[after] == ':') ++count;
    }
    if (lf == std::string_view::npos) break;
    message.remove_prefix(lf + 1);
  }
  return count;
}

std::string format_date(int64_t time_us) {
  static constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = time_us / 1'000'000;
  std::tm tm{};
  if (gmtime_r(&seconds, &tm) == nullptr) return "Thu, 01 Jan 1970 00:00:00 +0000";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
                kDays[static_cast<size_t>(tm.tm_wday)], tm.tm_mday, kMonths[static_cast<size_t>(tm.tm_mon)],
                tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  return text.data();
}

}  // namespace dromos::smtp
