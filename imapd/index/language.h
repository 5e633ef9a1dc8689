// The language of a text, as PostgreSQL names its snowball configurations. A guess (by CLD2's quadgrams): a
// wrong one costs a stem, not a message, since every word is also looked for as it is.
#pragma once

#include <span>
#include <string_view>

namespace dromos::imapd {

/// Bytes of a text that are looked at.
inline constexpr size_t kGuessBytes = 1500;

/// "german", "english", ...; "simple" if unsure, too short, or of a language without a stemmer. Thread-safe.
std::string_view guess_language(std::string_view utf8);
/// What guess_language can answer, each once; "simple" first.
std::span<const std::string_view> index_languages();
/// Its place there; of others that of "simple".
size_t language_number(std::string_view name);

}  // namespace dromos::imapd
