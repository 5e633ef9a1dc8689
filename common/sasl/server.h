// SASL server mechanisms (RFC 4422) as state machines without I/O: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-1 and
// SCRAM-SHA-256 with -PLUS (RFC 5802, RFC 7677, RFC 9266), EXTERNAL. OAUTHBEARER and XOAUTH2 will be one more
// file with one more request (NeedToken).
//
// The caller decodes base64 (framing.h), passes client bytes to step(), and acts on what comes back: sends a
// challenge, or answers a request by the matching method after looking up the account as slowly as it needs.
// SCRAM with an unknown name runs the same exchange on a deterministic fake salt, so names cannot be probed.
// Malformed input is Failed, never an exception. One object serves one authentication; not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/sasl/errc.h"
#include "common/sasl/scram_verifier.h"

namespace dromos::sasl {

/// Send these bytes (base64) and call step() with the answer. May be empty.
struct Challenge {
  std::string bytes;
};
/// Check the password of `authcid` and answer with password_result(). `authzid` is empty or differs from
/// authcid: then acting for another needs a right.
struct NeedPassword {
  std::string authcid;
  std::string password;
  std::string authzid;
};
/// Look up the SCRAM verifier of `authcid` and answer with scram_credentials(); unknown names with nothing.
struct NeedScram {
  std::string authcid;
  std::string authzid;
  ScramHash hash = ScramHash::sha256;
};
/// EXTERNAL: may the TLS client certificate's holder `authcid` act as `authzid` (empty: itself)? Answer with
/// external_result().
struct NeedExternal {
  std::string authcid;
  std::string authzid;
};
/// The client is `authcid`. A non-empty authzid was verified as far as the request said.
struct Done {
  std::string authcid;
  std::string authzid;
};
struct Failed {
  Errc code = Errc::malformed;
  /// For the log; not for the client.
  std::string reason;
};
using Step = std::variant<Challenge, NeedPassword, NeedScram, NeedExternal, Done, Failed>;

struct ChannelBinding {
  /// "tls-server-end-point" (RFC 5929), "tls-exporter" (RFC 9266).
  std::string type;
  std::string data;
};

struct ServerOptions {
  bool tls = false;
  /// PLAIN and LOGIN in the clear: for trusted networks and tests only.
  bool allow_plain_without_tls = false;
  bool scram_sha1 = false;
  bool scram_sha256 = true;
  /// Not empty: -PLUS is taken, and (if announced) a client that says it saw none is refused (downgrade).
  std::vector<ChannelBinding> bindings;
  /// False: -PLUS is taken but not announced, so a client that says it saw none is right.
  bool announce_plus = true;
  /// Identity of the verified client certificate; not empty: EXTERNAL is offered.
  std::string external_authcid;
  /// Secret that makes fake salts. The same in every process and for ever, or unknown names show by a
  /// changing salt.
  std::string fake_salt_key;
  int fake_iterations = kDefaultScramIterations;
  /// For tests; random when empty.
  std::string server_nonce;
};

class ServerMechanism {
 public:
  virtual ~ServerMechanism() = default;
  /// Client bytes; nothing: the exchange begins without initial response.
  virtual Step step(std::optional<std::string_view> client) = 0;
  virtual Step password_result(bool ok);
  virtual Step scram_credentials(std::optional<ScramVerifier> verifier);
  virtual Step external_result(bool ok);
  /// "SCRAM-SHA-256-PLUS"
  virtual std::string_view name() const = 0;
};

/// Names to announce, strongest first.
std::vector<std::string> offered_mechanisms(const ServerOptions& options);
/// Null if the mechanism is not offered under these options. Any case.
std::unique_ptr<ServerMechanism> make_server(std::string_view mechanism, const ServerOptions& options);

}  // namespace dromos::sasl
