#include "common/directory/password.h"

#include <argon2.h>
#include <crypt.h>

#include <array>
#include <memory>

#include "common/base/assert.h"
#include "common/base/ids.h"
#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/directory/errc.h"
#include "common/sasl/saslprep.h"

namespace dromos::directory {

namespace {

constexpr size_t kSaltSize = 16;
constexpr size_t kHashSize = 32;
constexpr size_t kMaxHashText = 512;
// What an imported hash may cost at each login.
constexpr uint32_t kMaxMemoryKib = 256 * 1024;
constexpr uint32_t kMaxPasses = 20;
constexpr uint32_t kMaxLanes = 8;
constexpr int kMaxBcryptCost = 14;
constexpr int kMaxShaRounds = 1'000'000;

std::optional<uint32_t> field(std::string_view params, std::string_view name) {
  for (const std::string_view piece : split(params, ','))
    if (piece.substr(0, name.size()) == name) return parse_number<uint32_t>(piece.substr(name.size()));
  return std::nullopt;
}

/// $argon2id$v=19$m=19456,t=2,p=1$salt$hash with a cost we are ready to pay.
bool affordable_argon2id(std::string_view text) {
  const auto parts = split(text, '$');
  if (parts.size() != 6 || !parts[0].empty() || parts[1] != "argon2id" || parts[2] != "v=19") return false;
  const auto memory = field(parts[3], "m=");
  const auto passes = field(parts[3], "t=");
  const auto lanes = field(parts[3], "p=");
  return memory && passes && lanes && *memory <= kMaxMemoryKib && *passes <= kMaxPasses &&
         *lanes <= kMaxLanes && !parts[4].empty() && !parts[5].empty();
}

bool affordable_crypt(std::string_view text) {
  const auto parts = split(text, '$');
  if (parts.size() < 4 || !parts[0].empty()) return false;
  const std::string_view kind = parts[1];
  if (kind == "1" || kind == "y") return true;
  if (kind == "5" || kind == "6") {
    if (parts[2].substr(0, 7) != "rounds=") return true;
    const auto rounds = parse_number<int>(parts[2].substr(7));
    return rounds && *rounds <= kMaxShaRounds;
  }
  if (kind == "2a" || kind == "2b" || kind == "2y") {
    const auto cost = parse_number<int>(parts[2]);
    return cost && *cost >= 4 && *cost <= kMaxBcryptCost;
  }
  return false;
}

Secret make_secret(std::string text, std::string_view bytes) {
  return {std::move(text), std::string(crypto::as_bytes(crypto::sha256(bytes)))};
}

std::optional<std::string> secret_hash(std::string_view compact) {
  if (compact.size() != 26) return std::nullopt;
  const auto bytes = unbase32(to_lower(compact));
  if (!bytes || bytes->size() != 16) return std::nullopt;
  return std::string(crypto::as_bytes(crypto::sha256(*bytes)));
}

}  // namespace

std::string argon2id_hash(std::string_view password, const Argon2Cost& cost) {
  const std::string prepared = sasl::prepare_password(password);
  const std::string salt = crypto::random_bytes(kSaltSize);
  std::array<char, kMaxHashText> text{};
  const int rc =
      argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, prepared.data(), prepared.size(),
                            salt.data(), salt.size(), kHashSize, text.data(), text.size());
  DROMOS_ASSERT(rc == ARGON2_OK);
  return text.data();
}

bool argon2id_verify(std::string_view hash, std::string_view password) {
  if (hash.size() >= kMaxHashText || !affordable_argon2id(hash)) return false;
  const std::string prepared = sasl::prepare_password(password);
  return ::argon2id_verify(std::string(hash).c_str(), prepared.data(), prepared.size()) == ARGON2_OK;
}

bool crypt_verify(const std::string& hash, const std::string& password) {
  if (password.find('\0') != std::string::npos || !affordable_crypt(hash)) return false;
  const auto work = std::make_unique<crypt_data>();  // 32 KB
  const char* made = crypt_r(password.c_str(), hash.c_str(), work.get());
  return made != nullptr && crypto::constant_time_equal(made, hash);
}

StoredPassword make_password(std::string_view password) {
  return {"argon2id", argon2id_hash(password), sasl::make_scram_verifier(password, sasl::ScramHash::sha256),
          sasl::make_scram_verifier(password, sasl::ScramHash::sha1)};
}

StoredPassword make_scram_password(std::string_view password, bool with_sha1) {
  StoredPassword stored{"scram", "", sasl::make_scram_verifier(password, sasl::ScramHash::sha256),
                        std::nullopt};
  if (with_sha1) stored.sha1 = sasl::make_scram_verifier(password, sasl::ScramHash::sha1);
  return stored;
}

Result<StoredPassword> parse_password_hash(std::string_view text) {
  std::string label;
  if (!text.empty() && text.front() == '{') {
    const size_t end = text.find('}');
    if (end == std::string_view::npos) return fail(Errc::invalid_hash, "no } after the scheme");
    label = to_upper(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
  }
  if (text.size() >= kMaxHashText || !is_ascii(text)) return fail(Errc::invalid_hash, "hash is too long");
  if ((label.empty() || label == "ARGON2ID") && affordable_argon2id(text))
    return StoredPassword{"argon2id", std::string(text), {}, {}};
  if (label.empty() || label == "SCRAM-SHA-256") {
    if (auto verifier = sasl::ScramVerifier::parse(text);
        verifier && verifier->hash == sasl::ScramHash::sha256)
      return StoredPassword{"scram", "", std::move(verifier), {}};
  }
  const bool is_crypt = label.empty() || label == "CRYPT" || label == "SHA512-CRYPT" ||
                        label == "SHA256-CRYPT" || label == "BLF-CRYPT" || label == "MD5-CRYPT";
  if (is_crypt && affordable_crypt(text)) return StoredPassword{"crypt", std::string(text), {}, {}};
  return fail(Errc::invalid_hash, "unknown scheme, malformed hash or a cost out of bounds");
}

bool verify_stored(const StoredPassword& stored, std::string_view password) {
  if (stored.scheme == "argon2id") return argon2id_verify(stored.hash, password);
  if (stored.scheme == "crypt") return crypt_verify(stored.hash, std::string(password));
  if (stored.scheme == "scram" && stored.sha256) return sasl::verify_password(*stored.sha256, password);
  return false;
}

void burn_password_time(std::string_view password) {
  static const std::string decoy = argon2id_hash("decoy");
  // The result is false or an impossible accident; only the time counts.
  static_cast<void>(argon2id_verify(decoy, password));
}

Secret make_app_password() {
  const std::string bytes = crypto::random_bytes(16);
  const std::string compact = base32(bytes);
  std::string text;
  for (size_t i = 0; i < compact.size(); ++i) {
    if (i % 4 == 0 && i > 0 && i < 24) text += '-';
    text += compact[i];
  }
  return make_secret(std::move(text), bytes);
}

Secret make_api_key() {
  const std::string bytes = crypto::random_bytes(16);
  return make_secret("dk_" + base32(bytes), bytes);
}

std::optional<std::string> app_password_hash(std::string_view text) {
  if (text.size() > 64) return std::nullopt;
  std::string compact;
  for (const char c : text)
    if (c != '-' && c != ' ') compact += c;
  return secret_hash(compact);
}

std::optional<std::string> api_key_hash(std::string_view text) {
  if (text.substr(0, 3) != "dk_") return std::nullopt;
  return secret_hash(text.substr(3));
}

}  // namespace dromos::directory
