// SCRAM, server side (RFC 5802 §5-§7, RFC 7677). Order: client-first -> NeedScram -> server-first ->
// client-final
// -> server-final as a challenge -> empty response -> Done. The last round is how SMTP, IMAP and POP3 carry
// the server's signature, as none of them has room for data in its success reply.
#include "common/base/strings.h"
#include "common/crypto/crypto.h"
#include "common/sasl/mechanisms.h"
#include "common/sasl/saslprep.h"
#include "common/sasl/scram_crypto.h"

namespace dromos::sasl {
namespace {

constexpr size_t kMaxMessage = 4096;

Failed malformed(std::string reason) {
  return {Errc::malformed, std::move(reason)};
}

class ScramServer final : public ServerMechanism {
 public:
  ScramServer(ScramHash hash, bool plus, const ServerOptions& options)
      : hash_(hash),
        plus_(plus),
        options_(options),
        name_(std::string(scram_name(hash)) + (plus ? "-PLUS" : "")) {}

  std::string_view name() const override { return name_; }

  Step step(std::optional<std::string_view> client) override {
    if (!client) return state_ == State::first ? Step(Challenge{}) : stop(malformed("response is missing"));
    if (client->size() > kMaxMessage) return stop(malformed("message is too long"));
    switch (state_) {
      case State::first:
        return client_first(*client);
      case State::final:
        return client_final(*client);
      case State::acknowledge:
        state_ = State::over;
        if (!client->empty()) return malformed("data after the end of the exchange");
        return Done{authcid_, authzid_};
      case State::lookup:
      case State::over:
        break;
    }
    return stop(malformed("client speaks out of turn"));
  }

  Step scram_credentials(std::optional<ScramVerifier> verifier) override {
    if (state_ != State::lookup) return ServerMechanism::scram_credentials(std::move(verifier));
    known_ = verifier && verifier->hash == hash_ && verifier->stored_key.size() == scram_size(hash_) &&
             verifier->server_key.size() == scram_size(hash_) && verifier->iterations > 0 &&
             !verifier->salt.empty();
    verifier_ = known_ ? std::move(*verifier) : fake();
    nonce_ = client_nonce_ + (options_.server_nonce.empty() ? scram_make_nonce() : options_.server_nonce);
    server_first_ =
        "r=" + nonce_ + ",s=" + base64(verifier_.salt) + ",i=" + std::to_string(verifier_.iterations);
    state_ = State::final;
    return Challenge{server_first_};
  }

 private:
  enum class State { first, lookup, final, acknowledge, over };

  Step stop(Failed failed) {
    state_ = State::over;
    return failed;
  }

  /// gs2-cbind-flag and authzid (§7): what is left of `message` is client-first-message-bare.
  std::optional<Failed> take_gs2_header(std::string_view& message) {
    const std::string_view whole = message;
    const size_t comma = message.find(',');
    const size_t second = comma == std::string_view::npos ? comma : message.find(',', comma + 1);
    if (second == std::string_view::npos) return malformed("gs2 header is malformed");
    const std::string_view flag = message.substr(0, comma);
    const std::string_view authzid = message.substr(comma + 1, second - comma - 1);
    gs2_header_ = std::string(whole.substr(0, second + 1));
    message.remove_prefix(second + 1);
    if (auto failed = check_binding(flag)) return failed;
    if (authzid.empty()) return std::nullopt;
    const auto name = authzid.starts_with("a=") ? scram_unescape(authzid.substr(2)) : std::nullopt;
    const auto prepared = name ? saslprep(*name) : std::nullopt;
    if (!prepared || prepared->empty() || prepared->size() > kMaxName)
      return malformed("authzid is malformed");
    authzid_ = *prepared;
    return std::nullopt;
  }

  std::optional<Failed> check_binding(std::string_view flag) {
    if (flag.starts_with("p=")) {
      if (!plus_) return Failed{Errc::channel_binding, "channel binding in a mechanism without -PLUS"};
      for (const ChannelBinding& binding : options_.bindings) {
        if (binding.type != flag.substr(2)) continue;
        binding_data_ = binding.data;
        return std::nullopt;
      }
      return Failed{Errc::channel_binding, "channel binding type is not supported"};
    }
    if (flag != "n" && flag != "y") return malformed("gs2 flag is malformed");
    if (plus_) return Failed{Errc::channel_binding, "-PLUS without channel binding"};
    if (flag == "y" && !options_.bindings.empty() && options_.announce_plus)
      return Failed{Errc::channel_binding, "client was shown no -PLUS: downgrade in between"};
    return std::nullopt;
  }

  Step client_first(std::string_view message) {
    if (auto failed = take_gs2_header(message)) return stop(std::move(*failed));
    const auto attributes = scram_attributes(message);
    // §5.1: no mandatory extension ("m=") is known to us, and the order n, r is fixed.
    if (!attributes || attributes->size() < 2 || (*attributes)[0].name != 'n' || (*attributes)[1].name != 'r')
      return stop(malformed("client-first-message is malformed"));
    const auto name = scram_unescape((*attributes)[0].value);
    const auto prepared = name ? saslprep(*name) : std::nullopt;
    if (!prepared || prepared->empty() || prepared->size() > kMaxName)
      return stop(malformed("name is malformed"));
    if (!scram_is_nonce((*attributes)[1].value)) return stop(malformed("nonce is malformed"));
    authcid_ = *prepared;
    client_nonce_ = std::string((*attributes)[1].value);
    client_first_bare_ = std::string(message);
    state_ = State::lookup;
    return NeedScram{authcid_, authzid_, hash_};
  }

  Step client_final(std::string_view message) {
    const auto attributes = scram_attributes(message);
    if (!attributes || attributes->size() < 3 || (*attributes)[0].name != 'c' ||
        (*attributes)[1].name != 'r' || attributes->back().name != 'p')
      return stop(malformed("client-final-message is malformed"));
    const auto binding = unbase64((*attributes)[0].value);
    const auto proof = unbase64(attributes->back().value);
    if (!binding || !proof || proof->size() != scram_size(hash_))
      return stop(malformed("client-final-message is malformed"));
    if (!crypto::constant_time_equal(*binding, gs2_header_ + binding_data_))
      return stop({Errc::channel_binding, "channel bindings do not match"});
    if (!crypto::constant_time_equal((*attributes)[1].value, nonce_))
      return stop(malformed("nonce does not match"));

    const std::string_view without_proof = message.substr(0, message.rfind(",p="));
    const std::string auth_message =
        client_first_bare_ + "," + server_first_ + "," + std::string(without_proof);
    const std::string signature = scram_hmac(hash_, verifier_.stored_key, auth_message);
    const std::string client_key = scram_xor(*proof, signature);
    const bool equal = crypto::constant_time_equal(scram_digest(hash_, client_key), verifier_.stored_key);
    if (!equal || !known_) return stop({Errc::bad_credentials, "wrong name or password"});
    state_ = State::acknowledge;
    return Challenge{"v=" + base64(scram_hmac(hash_, verifier_.server_key, auth_message))};
  }

  /// The same for the same name every time; its keys match no password (and known_ is false).
  ScramVerifier fake() const {
    const std::string label = name_.substr(0, scram_name(hash_).size()) + '\0' + to_lower(authcid_);
    const std::string seed = crypto::hmac_sha256(options_.fake_salt_key, label);
    ScramVerifier verifier;
    verifier.hash = hash_;
    verifier.iterations = options_.fake_iterations;
    verifier.salt = seed.substr(0, kScramSaltSize);
    verifier.stored_key = crypto::hmac_sha256(seed, "stored").substr(0, scram_size(hash_));
    verifier.server_key = crypto::hmac_sha256(seed, "server").substr(0, scram_size(hash_));
    return verifier;
  }

  ScramHash hash_;
  bool plus_;
  ServerOptions options_;
  std::string name_;
  State state_ = State::first;
  bool known_ = false;
  std::string authcid_, authzid_, gs2_header_, binding_data_;
  std::string client_nonce_, nonce_, client_first_bare_, server_first_;
  ScramVerifier verifier_;
};

}  // namespace

std::unique_ptr<ServerMechanism> make_scram_server(ScramHash hash, bool plus, const ServerOptions& options) {
  return std::make_unique<ScramServer>(hash, plus, options);
}

}  // namespace dromos::sasl
