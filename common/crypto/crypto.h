// Hashes, random bytes and sealing over OpenSSL, for all that is secret or content-addressed.
// Thread-safe. Failure of OpenSSL itself aborts (out of memory, broken provider); wrong input is a value.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace dromos::crypto {

using Sha256 = std::array<uint8_t, 32>;
using Sha1 = std::array<uint8_t, 20>;

Sha256 sha256(std::string_view bytes);
Sha1 sha1(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hmac_sha1(std::string_view key, std::string_view bytes);
/// RFC 8018 §5.2; 32 (SHA-256) or 20 (SHA-1) bytes.
std::string pbkdf2_sha256(std::string_view password, std::string_view salt, int iterations);
std::string pbkdf2_sha1(std::string_view password, std::string_view salt, int iterations);

/// Streaming SHA-256 for bodies that do not fit in memory.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  void update(std::string_view bytes);
  Sha256 finish();

 private:
  void* ctx_;
};

std::string random_bytes(size_t count);

/// Time depends on the lengths only. Different lengths compare unequal.
bool constant_time_equal(std::string_view a, std::string_view b);

inline std::string_view as_bytes(const Sha256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// AES-256-GCM with a random nonce: nonce || ciphertext || tag. `key` is 32 bytes; `context` is authenticated
/// only.
std::string seal(std::string_view key, std::string_view context, std::string_view secret);
/// Nothing if key, context or bytes are wrong.
std::optional<std::string> unseal(std::string_view key, std::string_view context, std::string_view sealed);

}  // namespace dromos::crypto
