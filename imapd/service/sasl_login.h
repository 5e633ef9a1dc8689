// SaslLogin: one SASL exchange (RFC 4422) against the directory, whatever protocol carries it: mechanisms of
// common/sasl that fit the connection, throttle, and the identity proven. Framing is the caller's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/directory/directory.h"
#include "common/net/stream.h"
#include "common/sasl/server.h"

namespace dromos::imapd {

/// What is open on this connection: TLS, channel bindings, clear-text passwords where the configuration
/// says so.
sasl::ServerOptions sasl_options(const net::Stream& stream, bool plaintext_login);

/// Carries challenges to the client.
class SaslPeer {
 public:
  /// Its response, decoded. Nothing: it cancelled, sent no base64, or is gone.
  virtual Task<std::optional<std::string>> ask(std::string challenge) = 0;

 protected:
  ~SaslPeer() = default;
};

class SaslLogin {
 public:
  /// `scope` is what is logged in to: imap, pop3. Worker's directory and peer must outlive the exchange.
  SaslLogin(directory::Directory& directory, SaslPeer& peer, std::string scope, std::string remote)
      : directory_(directory), peer_(peer), scope_(std::move(scope)), remote_(std::move(remote)) {}

  /// Chooses the mechanism. False: it is not offered.
  Task<Result<bool>> begin(const std::string& mechanism, sasl::ServerOptions options, Deadline deadline);
  /// Who the client is. sasl::Errc::cancelled and malformed are the client's faults of syntax; all other
  /// errors are a refused login. Rights (scope, limits) are the caller's to check.
  Task<Result<directory::Identity>> run(std::optional<std::string> initial);
  /// As far as the client has told.
  const std::string& login() const { return login_; }
  std::string mechanism() const { return std::string(mechanism_->name()); }

 private:
  Task<sasl::Step> check_password(sasl::NeedPassword need);
  Task<sasl::Step> check_certificate(sasl::NeedExternal need);
  Task<sasl::Step> look_up(sasl::NeedScram need);
  Result<directory::Identity> finish(const sasl::Step& step);

  directory::Directory& directory_;
  SaslPeer& peer_;
  const std::string scope_;
  const std::string remote_;
  std::unique_ptr<sasl::ServerMechanism> mechanism_;
  std::string login_;
  std::optional<directory::Identity> who_;
  std::optional<directory::ScramLogin> scram_;
  bool wrong_authzid_ = false;
  std::optional<Error> failure_;
};

}  // namespace dromos::imapd
