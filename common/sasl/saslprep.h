// SASLprep (RFC 4013) by ICU. Passwords must pass through prepare_password both when they are set and when
// they are checked, or a password typed on another keyboard layout's normal form would not match.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dromos::sasl {

inline constexpr size_t kMaxName = 512;
inline constexpr size_t kMaxPassword = 1024;

/// Nothing for bad UTF-8, prohibited characters or bad bidi. Unassigned code points pass.
std::optional<std::string> saslprep(std::string_view text);
/// saslprep, or the bytes as they are where it does not apply (RFC 5802 leaves such passwords unusable;
/// people do use them).
std::string prepare_password(std::string_view password);

}  // namespace dromos::sasl
