// Text forms of the directory: domains as lower-case A-labels (IDNA2008, RFC 5891), logins as local@domain.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "common/base/result.h"

namespace dromos::directory {

inline constexpr size_t kMaxDomain = 253;
inline constexpr size_t kMaxLocalPart = 64;

/// "Bücher.Example." -> "xn--bcher-kva.example". Errc::invalid_address if it cannot be a host name.
Result<std::string> domain_to_ascii(std::string_view domain);
/// A local part that the directory can hold; as given, not folded (the database folds).
bool is_local_part(std::string_view local);
/// Splits at the last "@" and normalises the domain.
Result<std::pair<std::string, std::string>> split_address(std::string_view address);
/// local@domain with the domain normalised.
Result<std::string> normalize_address(std::string_view address);

}  // namespace dromos::directory
