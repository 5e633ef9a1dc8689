// Charset conversion to UTF-8 and case folding, over ICU. Never fails: unknown charsets and bad bytes become
// U+FFFD or windows-1252. Converters are cached per thread.
#pragma once

#include <string>
#include <string_view>

namespace dromos::mime {

/// Text in `charset` (IANA name or a usual alias; empty means unknown) -> clean UTF-8 (NUL becomes U+FFFD).
std::string to_utf8(std::string_view bytes, std::string_view charset);
/// True if to_utf8 has a converter for it.
bool charset_known(std::string_view charset);
/// UTF-8 -> `charset`; nothing of it is lost silently: *lossy says if something was replaced.
std::string from_utf8(std::string_view utf8, std::string_view charset, bool* lossy = nullptr);
/// Unicode full case folding (CaseFolding.txt C+F) of UTF-8; use on queries and on what is searched.
std::string fold_case(std::string_view utf8);
void append_folded(std::string& out, std::string_view utf8);
/// Longest prefix of at most `bytes` bytes that ends between characters.
std::string_view utf8_prefix(std::string_view utf8, size_t bytes);

}  // namespace dromos::mime
