// IMAP URLs that name a message or a part of one (RFC 5092 §6), with or without URLAUTH (§6.1, RFC 4467).
//
// Pure: text in, value or reason out. Names are decoded (%XX, UTF-8); they are not checked against anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace dromos::imapd {

struct UrlAuth {
  std::optional<int64_t> expires_us;
  enum class Access { submit, user, authuser, anonymous };
  Access access = Access::anonymous;
  std::string access_user;  // of submit+ and user+
  std::string mechanism;    // upper case; empty: the rump that GENURLAUTH takes
  std::string token;        // octets
};

struct ImapUrl {
  /// Of imap://user@server/; both empty in a relative URL.
  std::string user;
  std::string server;  // host or host:port, lower case
  /// Empty: that of the base (";UID=20" where a mailbox is selected).
  std::string mailbox;
  std::optional<uint32_t> uidvalidity;
  uint32_t uid = 0;
  std::string section;                                   // "" is the whole message
  std::optional<std::pair<uint64_t, uint64_t>> partial;  // first octet; at most so many, 0: to the end

  std::optional<UrlAuth> auth;
  /// The URL up to and with the access identifier: what a token is made of.
  std::string rump;
};
inline constexpr size_t kMaxImapUrl = 4096;

/// Errc::invalid_argument with a reason.
Result<ImapUrl> parse_imap_url(std::string_view url);

}  // namespace dromos::imapd
