// Address lists (RFC 5322 §3.4 and §4.4): groups, routes, comments as names, and the common breakage.
//
// The parser never fails: what is no address appears with an empty mailbox or host. Bytes stay as they are;
// names and comments are unquoted but not decoded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dromos::mime {

inline constexpr size_t kMaxAddresses = 10'000;
/// Nested comments deeper than this end the list.
inline constexpr size_t kMaxCommentDepth = 100'000;

struct Address {
  enum class Kind : unsigned char { mailbox, group_begin, group_end };
  Kind kind = Kind::mailbox;
  bool has_name = false;
  std::string name;     ///< display name, a trailing comment, or the group's name; encoded words kept
  std::string route;    ///< obs-route "@a,@b" or empty
  std::string mailbox;  ///< local part, unquoted
  std::string host;
  bool operator==(const Address&) const = default;
};
using AddressList = std::vector<Address>;

/// `value` may be folded.
AddressList parse_address_list(std::string_view value);

/// JMAP's view (RFC 8621 §4.1.2.3): names decoded, clean UTF-8.
struct EmailAddress {
  std::string name;  ///< empty if none
  std::string email;
  bool operator==(const EmailAddress&) const = default;
};
std::vector<EmailAddress> email_addresses(std::string_view value);
struct EmailGroup {
  std::string name;
  bool named = false;  ///< false: addresses outside a group (name null in JMAP)
  std::vector<EmailAddress> addresses;
};
std::vector<EmailGroup> email_groups(std::string_view value);

/// `Name <user@host>` with quoting or encoded words as needed, for a header field.
std::string format_address(std::string_view name_utf8, std::string_view email);
/// First mailbox as local@host, or empty.
std::string first_email(std::string_view value);

}  // namespace dromos::mime
