// What a server keeps of a password for SCRAM (RFC 5802 §3): salt, iterations, StoredKey, ServerKey. Shared
// with common/directory. The text form is that of RFC 5803: SCRAM-SHA-256$4096:salt$stored:server.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dromos::sasl {

enum class ScramHash { sha1, sha256 };

/// RFC 7677 §4 asks for at least 4096.
inline constexpr int kMinScramIterations = 4096;
/// A verifier or server that asks for more is refused: it would cost minutes of CPU.
inline constexpr int kMaxScramIterations = 1'000'000;
inline constexpr int kDefaultScramIterations = 4096;
inline constexpr size_t kScramSaltSize = 16;
inline constexpr size_t kMaxScramSaltSize = 64;

struct ScramVerifier {
  ScramHash hash = ScramHash::sha256;
  int iterations = 0;
  std::string salt;
  std::string stored_key;
  std::string server_key;

  bool operator==(const ScramVerifier&) const = default;
  std::string to_string() const;
  static std::optional<ScramVerifier> parse(std::string_view text);
};

/// Prepares the password (prepare_password) and derives. Costs `iterations` HMACs: offload it.
ScramVerifier make_scram_verifier(std::string_view password, std::string_view salt, int iterations,
                                  ScramHash hash = ScramHash::sha256);
/// With a random salt and the default cost.
ScramVerifier make_scram_verifier(std::string_view password, ScramHash hash = ScramHash::sha256);
/// For PLAIN against an account that has only SCRAM verifiers. Constant-time compare.
bool verify_password(const ScramVerifier& verifier, std::string_view password);

}  // namespace dromos::sasl
