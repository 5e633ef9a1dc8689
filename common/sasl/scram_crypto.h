// The arithmetic of SCRAM (RFC 5802 §3) for both hashes. Internal to common/sasl.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/sasl/scram_verifier.h"

namespace dromos::sasl {

std::string scram_hmac(ScramHash hash, std::string_view key, std::string_view bytes);
std::string scram_digest(ScramHash hash, std::string_view bytes);
/// SaltedPassword; `password` is already prepared.
std::string scram_salted(ScramHash hash, std::string_view password, std::string_view salt, int iterations);
/// Of equal lengths.
std::string scram_xor(std::string_view a, std::string_view b);
constexpr size_t scram_size(ScramHash hash) {
  return hash == ScramHash::sha1 ? 20 : 32;
}
/// "SCRAM-SHA-256"
std::string_view scram_name(ScramHash hash);

/// "a=x,b=y" to pieces; an attribute's name is one letter. Nothing if malformed or more than 16.
struct ScramAttribute {
  char name = 0;
  std::string_view value;
};
std::optional<std::vector<ScramAttribute>> scram_attributes(std::string_view message);
/// saslname (RFC 5802 §5.1): "=2C" and "=3D".
std::optional<std::string> scram_unescape(std::string_view name);
std::string scram_escape(std::string_view name);
/// Printable, without commas, bounded.
bool scram_is_nonce(std::string_view nonce);
std::string scram_make_nonce();

}  // namespace dromos::sasl
