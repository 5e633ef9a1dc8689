// SASL client side for relay authentication and tests: PLAIN, LOGIN, SCRAM-SHA-1 and SCRAM-SHA-256 (with
// -PLUS).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/sasl/server.h"

namespace dromos::sasl {

struct ClientOptions {
  std::string authcid;
  std::string password;
  std::string authzid;
  /// For -PLUS.
  std::optional<ChannelBinding> binding;
  /// For tests; random when empty.
  std::string nonce;
};

class ClientMechanism {
 public:
  virtual ~ClientMechanism() = default;
  /// The initial response; nothing where the server speaks first (LOGIN).
  virtual std::optional<std::string> initial() = 0;
  /// Answer to a challenge (may be empty). An error: stop, the server is wrong or not who it should be.
  virtual Result<std::string> step(std::string_view challenge) = 0;
  /// The server has proved what the mechanism lets it prove: a success before this is not to be trusted.
  virtual bool complete() const = 0;
};

/// Null for an unknown mechanism.
std::unique_ptr<ClientMechanism> make_client(std::string_view mechanism, const ClientOptions& options);

}  // namespace dromos::sasl
