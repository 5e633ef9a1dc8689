// Trace fields a receiving MTA adds (RFC 5321 §4.4): Received with the protocol names of RFC 3848 and RFC
// 6531, Return-Path, and the count of Received fields by which loops are seen (§6.3). Text from the client
// (EHLO name, reverse DNS) is cleaned: it cannot break out of its comment or line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/smtp/address.h"

namespace dromos::smtp {

/// RFC 5321 §6.3: a large threshold, normally at least 100.
inline constexpr size_t kMaxReceived = 100;

struct ReceivedInfo {
  std::string helo;
  /// Without brackets: "192.0.2.1", "2001:db8::1"; empty for a Unix socket.
  std::string client_ip;
  /// Verified reverse name; empty is shown as "unknown".
  std::string client_name;
  std::string by;
  bool lmtp = false;
  bool esmtp = true;
  bool smtputf8 = false;
  bool tls = false;
  bool authenticated = false;
  /// "TLSv1.3", "TLS_AES_256_GCM_SHA384"; empty parts are left out.
  std::string tls_version;
  std::string tls_cipher;
  std::string id;
  /// Set only where the message has one recipient (§7.6: do not tell about others).
  std::optional<Mailbox> recipient;
  int64_t time_us = 0;
};

/// "ESMTPSA", "UTF8LMTPS"...
std::string protocol_name(const ReceivedInfo& info);
/// "Received: from ... ; date" with folds, ending in CR LF.
std::string received_header(const ReceivedInfo& info);
/// "Return-Path: <a@b>" CR LF; without mailbox `<>`.
std::string return_path_header(const std::optional<Mailbox>& from);
/// Received fields in the header section at the front of `message`; stops at the empty line.
size_t received_count(std::string_view message);
/// RFC 5322 §3.3 date-time in UTC: "Sun, 22 Nov 2026 03:32:13 +0000".
std::string format_date(int64_t time_us);

}  // namespace dromos::smtp
