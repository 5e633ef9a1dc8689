#include "common/sasl/scram_crypto.h"

#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/sasl/saslprep.h"

namespace dromos::sasl {
namespace {

constexpr size_t kMaxAttributes = 16;
constexpr size_t kMaxNonce = 256;
constexpr size_t kNonceBytes = 18;

}  // namespace

std::string scram_hmac(ScramHash hash, std::string_view key, std::string_view bytes) {
  return hash == ScramHash::sha1 ? crypto::hmac_sha1(key, bytes) : crypto::hmac_sha256(key, bytes);
}

std::string scram_digest(ScramHash hash, std::string_view bytes) {
  if (hash == ScramHash::sha256) return std::string(crypto::as_bytes(crypto::sha256(bytes)));
  const crypto::Sha1 digest = crypto::sha1(bytes);
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string scram_salted(ScramHash hash, std::string_view password, std::string_view salt, int iterations) {
  return hash == ScramHash::sha1 ? crypto::pbkdf2_sha1(password, salt, iterations)
                                 : crypto::pbkdf2_sha256(password, salt, iterations);
}

std::string scram_xor(std::string_view a, std::string_view b) {
  std::string out(a);
  for (size_t i = 0; i < out.size() && i < b.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

std::string_view scram_name(ScramHash hash) {
  return hash == ScramHash::sha1 ? "SCRAM-SHA-1" : "SCRAM-SHA-256";
}

std::optional<std::vector<ScramAttribute>> scram_attributes(std::string_view message) {
  std::vector<ScramAttribute> attributes;
  for (const std::string_view piece : split(message, ',')) {
    if (piece.size() < 2 || !is_alpha(piece[0]) || piece[1] != '=') return std::nullopt;
    if (attributes.size() == kMaxAttributes || piece.find('\0') != std::string_view::npos)
      return std::nullopt;
    attributes.push_back({piece[0], piece.substr(2)});
  }
  return attributes;
}

std::optional<std::string> scram_unescape(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const char c = name.front();
    if (c == '=') {
      if (name.starts_with("=2C"))
        out.push_back(',');
      else if (name.starts_with("=3D"))
        out.push_back('=');
      else
        return std::nullopt;
      name.remove_prefix(3);
      continue;
    }
    if (c == ',' || c == '\0') return std::nullopt;
    out.push_back(c);
    name.remove_prefix(1);
  }
  return out;
}

std::string scram_escape(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ',')
      out += "=2C";
    else if (c == '=')
      out += "=3D";
    else
      out.push_back(c);
  }
  return out;
}

bool scram_is_nonce(std::string_view nonce) {
  if (nonce.empty() || nonce.size() > kMaxNonce) return false;
  for (const char c : nonce)
    if (c < 33 || c > 126 || c == ',') return false;
  return true;
}

std::string scram_make_nonce() {
  return base64(crypto::random_bytes(kNonceBytes));
}

std::string ScramVerifier::to_string() const {
  return std::string(scram_name(hash)) + "$" + std::to_string(iterations) + ":" + base64(salt) + "$" +
         base64(stored_key) + ":" + base64(server_key);
}

std::optional<ScramVerifier> ScramVerifier::parse(std::string_view text) {
  const auto parts = split(text, '$');
  if (parts.size() != 3) return std::nullopt;
  ScramVerifier verifier;
  if (parts[0] == scram_name(ScramHash::sha1))
    verifier.hash = ScramHash::sha1;
  else if (parts[0] != scram_name(ScramHash::sha256))
    return std::nullopt;
  const auto cost = split(parts[1], ':');
  const auto keys = split(parts[2], ':');
  if (cost.size() != 2 || keys.size() != 2) return std::nullopt;
  const auto iterations = parse_number<int>(cost[0]);
  auto salt = unbase64(cost[1]);
  auto stored = unbase64(keys[0]);
  auto server = unbase64(keys[1]);
  if (!iterations || *iterations < 1 || *iterations > kMaxScramIterations) return std::nullopt;
  if (!salt || salt->empty() || salt->size() > kMaxScramSaltSize) return std::nullopt;
  const size_t size = scram_size(verifier.hash);
  if (!stored || !server || stored->size() != size || server->size() != size) return std::nullopt;
  verifier.iterations = *iterations;
  verifier.salt = std::move(*salt);
  verifier.stored_key = std::move(*stored);
  verifier.server_key = std::move(*server);
  return verifier;
}

ScramVerifier make_scram_verifier(std::string_view password, std::string_view salt, int iterations,
                                  ScramHash hash) {
  const std::string salted = scram_salted(hash, prepare_password(password), salt, iterations);
  ScramVerifier verifier;
  verifier.hash = hash;
  verifier.iterations = iterations;
  verifier.salt = std::string(salt);
  verifier.stored_key = scram_digest(hash, scram_hmac(hash, salted, "Client Key"));
  verifier.server_key = scram_hmac(hash, salted, "Server Key");
  return verifier;
}

ScramVerifier make_scram_verifier(std::string_view password, ScramHash hash) {
  return make_scram_verifier(password, crypto::random_bytes(kScramSaltSize), kDefaultScramIterations, hash);
}

bool verify_password(const ScramVerifier& verifier, std::string_view password) {
  if (verifier.iterations < 1 || verifier.iterations > kMaxScramIterations) return false;
  const ScramVerifier made = make_scram_verifier(password, verifier.salt, verifier.iterations, verifier.hash);
  return crypto::constant_time_equal(made.stored_key, verifier.stored_key);
}

}  // namespace dromos::sasl
