// Mailbox and path grammar of RFC 5321 §4.1.2 with RFC 6531 (UTF-8 local parts, U-labels in domains).
//
// A Mailbox is a value that has been checked: its local part is stored unquoted, its domain as lower-case
// A-labels (IDNA 2008 by libidn2, RFC 5890) or as an address literal in brackets. Source routes (RFC 5321
// §F.2) are parsed and dropped. Never throws; errors carry Errc::bad_address and say what is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/smtp/errc.h"

namespace dromos::smtp {

/// RFC 5321 §4.5.3.1, in octets as sent.
inline constexpr size_t kMaxLocalPart = 64;
/// Return addresses made by machines (VERP, SRS, BATV) pass 64 in real mail: senders get this much.
inline constexpr size_t kMaxSenderLocalPart = 128;
inline constexpr size_t kMaxDomain = 255;
inline constexpr size_t kMaxPath = 256;

struct Mailbox {
  /// Unquoted, in the case the sender gave.
  std::string local;
  /// Lower-case A-labels, or "[192.0.2.1]", "[IPv6:2001:db8::1]" (canonical text). Empty for `<postmaster>`
  /// only.
  std::string domain;
  /// The domain as given, which may hold U-labels.
  std::string shown_domain;

  bool operator==(const Mailbox& other) const { return key() == other.key(); }

  bool is_literal() const { return !domain.empty() && domain.front() == '['; }
  bool is_bare_postmaster() const { return domain.empty(); }
  /// The local part has non-ASCII octets: only an SMTPUTF8 peer can take it.
  bool needs_smtputf8() const;
  /// The address as given has non-ASCII octets, so that the client must have asked for SMTPUTF8.
  bool given_non_ascii() const;

  /// local@domain as it goes on the wire, quoted where needed: `"a b"@example.test`.
  std::string to_string() const;
  /// As to_string, with the domain as given.
  std::string shown() const;
  /// Compare form of the local part: lower case, NFC.
  std::string local_key() const;
  /// local_key@domain; equal keys mean the same mailbox to us.
  std::string key() const;
};

/// `user+detail`: split at the first separator that leaves a non-empty user. Without one, detail is absent.
struct Subaddress {
  std::string_view user;
  std::optional<std::string_view> detail;
};
Subaddress split_subaddress(std::string_view local, char separator = '+');

/// `local@domain` without angle brackets (config, REST, headers' addr-spec already isolated).
Result<Mailbox> parse_mailbox(std::string_view text, size_t max_local = kMaxSenderLocalPart);

/// What stands between MAIL FROM: and the parameters: `<>` (no mailbox) or `<mailbox>`, at the front of
/// `text`. On success `text` has lost what was parsed.
Result<std::optional<Mailbox>> take_reverse_path(std::string_view& text);
/// `<mailbox>` or `<postmaster>` in any case.
Result<Mailbox> take_forward_path(std::string_view& text);

/// Domain to lower-case A-labels. Refuses empty labels, labels over 63, a trailing dot, underscores, a
/// numeric last label (an address without brackets), and what IDNA 2008 forbids.
Result<std::string> canonical_domain(std::string_view domain);
/// "[...]" to canonical text: IPv4, IPv6; general literals (RFC 5321 §4.1.3) are refused.
Result<std::string> canonical_literal(std::string_view bracketed);
/// A-labels to U-labels for people to read; what does not decode stays.
std::string domain_for_display(std::string_view a_labels);

/// Lower case and NFC; ASCII alone takes no ICU.
std::string local_part_key(std::string_view local);
/// The local part with quotes where RFC 5321 asks for them.
std::string quote_local_part(std::string_view local);

}  // namespace dromos::smtp
