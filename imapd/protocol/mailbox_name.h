// Mailbox names between wire and store (RFC 9051 §5.1, RFC 3501 §5.1.3, RFC 6855 §3).
//
// Inside the daemon a name is UTF-8 in Normalization Form C, components separated by kSeparator, INBOX always
// upper case as the first component. On the wire it is modified UTF-7, or UTF-8 once the client enabled
// IMAP4rev2 or UTF8=ACCEPT. Decoders refuse what a store should never hold and say why; clients see that as
// NO [CANNOT].
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace dromos::imapd {

inline constexpr char kSeparator = '/';
inline constexpr size_t kMaxMailboxName = 1000;      // octets of UTF-8
inline constexpr size_t kMaxMailboxComponent = 255;  // octets of UTF-8
inline constexpr size_t kMaxMailboxDepth = 50;

/// Strict: no 8-bit, no encoded ASCII, no empty or unfinished shift, no lone surrogates, zero bits at the
/// end.
std::optional<std::string> utf7_to_utf8(std::string_view utf7);
/// `utf8` must be well-formed.
std::string utf8_to_utf7(std::string_view utf8);

/// NFC; nothing if the text is not UTF-8.
std::optional<std::string> to_nfc(std::string_view utf8);

/// The name a client sent, ready for look-up: decoded, normalised, INBOX folded, one trailing separator
/// dropped (CREATE sends it to say that children follow, RFC 9051 §6.3.4), then checked.
Result<std::string> mailbox_from_wire(std::string_view wire, bool utf8);
/// What the store holds, as the client may read it (before quoting).
std::string mailbox_to_wire(std::string_view name, bool utf8);
/// Checks a decoded name: length, depth, empty components, control characters, and "." or ".." as a
/// component.
Result<void> check_mailbox_name(std::string_view name);
/// "INBOX" in any case, alone or as first component.
bool is_inbox(std::string_view name);

/// The levels of a name, and back.
std::vector<std::string> path_of_name(std::string_view name);
std::string name_of_path(const std::vector<std::string>& path);
/// The name one level up; empty at the top.
std::string_view name_above(std::string_view name);
/// Whether a name lies below another, at whatever depth.
bool is_below(std::string_view name, std::string_view root);

/// LIST's reference and pattern joined and decoded for list_match. No check but that of the encoding: a
/// pattern may name what cannot exist.
Result<std::string> list_pattern_from_wire(std::string_view reference, std::string_view pattern, bool utf8);

}  // namespace dromos::imapd
