// Password hashes: argon2id (RFC 9106) for what we make, crypt(3) for what was imported. Blocking and slow by
// purpose: call through offload. Passwords pass through sasl::prepare_password before any hash.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/sasl/scram_verifier.h"

namespace dromos::directory {

/// OWASP's first choice: 19 MiB, two passes, one lane. The cost is part of each stored hash.
struct Argon2Cost {
  uint32_t memory_kib = 19456;
  uint32_t passes = 2;
  uint32_t lanes = 1;
};

/// What the table credential keeps. No scheme: no password.
struct StoredPassword {
  std::string scheme;  // argon2id, crypt, scram (only the verifier), or empty
  std::string hash;
  std::optional<sasl::ScramVerifier> sha256;
  std::optional<sasl::ScramVerifier> sha1;
};

/// PHC text with a random salt.
std::string argon2id_hash(std::string_view password, const Argon2Cost& cost = {});
/// False for a wrong password and for text that is no argon2id hash.
bool argon2id_verify(std::string_view hash, std::string_view password);
/// crypt(3) of any kind that Debian's libcrypt knows.
bool crypt_verify(const std::string& hash, const std::string& password);

/// Hash and SCRAM verifiers, made at the same moment from the same password.
StoredPassword make_password(std::string_view password);
/// For bulk import: only the SCRAM verifiers (2 ms instead of 30). It costs no strength, since they are
/// stored beside any argon2id hash anyway; the first login in the clear adds the hash.
StoredPassword make_scram_password(std::string_view password, bool with_sha1);
/// "{ARGON2ID}$argon2id$..", "{SHA512-CRYPT}$6$..", "{BLF-CRYPT}$2y$..", "{CRYPT}..", "{SCRAM-SHA-256}.." or
/// the same without the label. Errc::invalid_hash for others, and for costs that would stall a login.
Result<StoredPassword> parse_password_hash(std::string_view text);

bool verify_stored(const StoredPassword& stored, std::string_view password);
/// The time of one argon2id verification, for logins that do not exist.
void burn_password_time(std::string_view password);

/// App passwords and API keys: 16 random bytes, as text in groups of base32, stored as SHA-256.
struct Secret {
  std::string text;
  std::string hash;
};
Secret make_app_password();  // "abcd-efgh-..."
Secret make_api_key();       // "dk_abcdefgh..."
/// The stored form of a typed secret; nothing if it does not look like one.
std::optional<std::string> app_password_hash(std::string_view text);
std::optional<std::string> api_key_hash(std::string_view text);

}  // namespace dromos::directory
