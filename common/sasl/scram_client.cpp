// SCRAM, client side (RFC 5802 §5): proves the password and makes the server prove that it knows the
// verifier.
#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/sasl/mechanisms.h"
#include "common/sasl/saslprep.h"
#include "common/sasl/scram_crypto.h"

namespace dromos::sasl {
namespace {

class ScramClient final : public ClientMechanism {
 public:
  ScramClient(ScramHash hash, bool plus, const ClientOptions& options) : hash_(hash), options_(options) {
    gs2_header_ = plus ? "p=" + options.binding->type : "n";
    gs2_header_ += ",";
    if (!options.authzid.empty()) gs2_header_ += "a=" + scram_escape(options.authzid);
    gs2_header_ += ",";
    binding_ = plus ? options.binding->data : "";
    nonce_ = options.nonce.empty() ? scram_make_nonce() : options.nonce;
    first_bare_ = "n=" + scram_escape(saslprep(options.authcid).value_or(options.authcid)) + ",r=" + nonce_;
  }

  std::optional<std::string> initial() override {
    if (state_ == State::begin) state_ = State::first;
    return gs2_header_ + first_bare_;
  }

  Result<std::string> step(std::string_view challenge) override {
    switch (state_) {
      case State::begin:
        if (!challenge.empty()) break;
        return *initial();
      case State::first:
        return server_first(challenge);
      case State::final:
        return server_final(challenge);
      case State::complete:
      case State::failed:
        break;
    }
    state_ = State::failed;
    return fail(Errc::malformed, "unexpected challenge");
  }

  bool complete() const override { return state_ == State::complete; }

 private:
  enum class State { begin, first, final, complete, failed };

  Result<std::string> server_first(std::string_view message) {
    state_ = State::failed;
    const auto attributes = scram_attributes(message);
    if (!attributes || attributes->size() < 3 || (*attributes)[0].name != 'r' ||
        (*attributes)[1].name != 's' || (*attributes)[2].name != 'i')
      return fail(Errc::malformed, "server-first-message is malformed");
    const std::string_view nonce = (*attributes)[0].value;
    const auto salt = unbase64((*attributes)[1].value);
    const auto iterations = parse_number<int>((*attributes)[2].value);
    if (!scram_is_nonce(nonce) || !nonce.starts_with(nonce_) || nonce.size() == nonce_.size())
      return fail(Errc::malformed, "server's nonce does not extend ours");
    if (!salt || salt->empty()) return fail(Errc::malformed, "salt is malformed");
    if (!iterations || *iterations < kMinScramIterations || *iterations > kMaxScramIterations)
      return fail(Errc::malformed, "iteration count out of bounds");

    const std::string salted = scram_salted(hash_, prepare_password(options_.password), *salt, *iterations);
    const std::string client_key = scram_hmac(hash_, salted, "Client Key");
    const std::string without_proof = "c=" + base64(gs2_header_ + binding_) + ",r=" + std::string(nonce);
    const std::string auth_message = first_bare_ + "," + std::string(message) + "," + without_proof;
    const std::string signature = scram_hmac(hash_, scram_digest(hash_, client_key), auth_message);
    server_signature_ = scram_hmac(hash_, scram_hmac(hash_, salted, "Server Key"), auth_message);
    state_ = State::final;
    return without_proof + ",p=" + base64(scram_xor(client_key, signature));
  }

  Result<std::string> server_final(std::string_view message) {
    state_ = State::failed;
    if (message.starts_with("e=")) return fail(Errc::bad_credentials, "server refused the password");
    const auto attributes = scram_attributes(message);
    if (!attributes || attributes->empty() || attributes->front().name != 'v')
      return fail(Errc::malformed, "server-final-message is malformed");
    const auto signature = unbase64(attributes->front().value);
    if (!signature || !crypto::constant_time_equal(*signature, server_signature_))
      return fail(Errc::bad_credentials, "server does not know the password: not our server");
    state_ = State::complete;
    return std::string();
  }

  ScramHash hash_;
  ClientOptions options_;
  State state_ = State::begin;
  std::string gs2_header_, binding_, nonce_, first_bare_, server_signature_;
};

}  // namespace

std::unique_ptr<ClientMechanism> make_scram_client(ScramHash hash, bool plus, const ClientOptions& options) {
  return std::make_unique<ScramClient>(hash, plus, options);
}

}  // namespace dromos::sasl
