// PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login, obsolete and everywhere) and EXTERNAL (RFC 4422 §A).
#include "common/base/strings.h"
#include "common/sasl/mechanisms.h"
#include "common/sasl/saslprep.h"

namespace dromos::sasl {
namespace {

Failed malformed(std::string reason) {
  return {Errc::malformed, std::move(reason)};
}

/// The request for a password that both PLAIN and LOGIN end in, and what follows.
class PasswordServer : public ServerMechanism {
 public:
  Step password_result(bool ok) override {
    if (!asked_) return ServerMechanism::password_result(ok);
    asked_ = false;
    if (!ok) return Failed{Errc::bad_credentials, "wrong name or password"};
    return Done{authcid_, authzid_};
  }

 protected:
  Step ask(std::string_view authzid, std::string_view authcid, std::string_view password) {
    if (asked_ || over_) return malformed("client speaks out of turn");
    over_ = true;
    if (authcid.empty() || authcid.size() > kMaxName || authzid.size() > kMaxName)
      return malformed("name is missing or too long");
    if (password.empty() || password.size() > kMaxPassword)
      return malformed("password is missing or too long");
    if (password.find('\0') != std::string_view::npos) return malformed("NUL in password");
    const auto name = saslprep(authcid);
    const auto other = saslprep(authzid);
    if (!name || name->empty() || !other) return malformed("name has characters that SASLprep forbids");
    if (!is_utf8(password)) return malformed("password is not UTF-8");
    authcid_ = *name;
    authzid_ = *other;
    asked_ = true;
    return NeedPassword{authcid_, prepare_password(password), authzid_};
  }

 private:
  std::string authcid_;
  std::string authzid_;
  bool asked_ = false;
  bool over_ = false;
};

class PlainServer final : public PasswordServer {
 public:
  std::string_view name() const override { return "PLAIN"; }

  /// message = [authzid] NUL authcid NUL passwd
  Step step(std::optional<std::string_view> client) override {
    if (!client) return Challenge{};
    const size_t first = client->find('\0');
    const size_t second = first == std::string_view::npos ? first : client->find('\0', first + 1);
    if (second == std::string_view::npos) return malformed("PLAIN message needs two NULs");
    return ask(client->substr(0, first), client->substr(first + 1, second - first - 1),
               client->substr(second + 1));
  }
};

class LoginServer final : public PasswordServer {
 public:
  std::string_view name() const override { return "LOGIN"; }

  Step step(std::optional<std::string_view> client) override {
    if (!client) return Challenge{"Username:"};
    if (!user_) {
      if (client->size() > kMaxName || client->find('\0') != std::string_view::npos)
        return malformed("name is too long");
      user_ = std::string(*client);
      return Challenge{"Password:"};
    }
    return ask("", *user_, *client);
  }

 private:
  std::optional<std::string> user_;
};

class ExternalServer final : public ServerMechanism {
 public:
  explicit ExternalServer(std::string authcid) : authcid_(std::move(authcid)) {}
  std::string_view name() const override { return "EXTERNAL"; }

  Step step(std::optional<std::string_view> client) override {
    if (!client) return Challenge{};
    if (asked_) return malformed("client speaks out of turn");
    const auto name = saslprep(*client);
    if (!name || name->size() > kMaxName) return malformed("name is malformed");
    authzid_ = *name;
    asked_ = true;
    return NeedExternal{authcid_, authzid_};
  }

  Step external_result(bool ok) override {
    if (!asked_) return ServerMechanism::external_result(ok);
    if (!ok) return Failed{Errc::bad_credentials, "certificate may not act as this name"};
    return Done{authcid_, authzid_};
  }

 private:
  std::string authcid_;
  std::string authzid_;
  bool asked_ = false;
};

class PlainClient final : public ClientMechanism {
 public:
  explicit PlainClient(const ClientOptions& options) : options_(options) {}
  std::optional<std::string> initial() override {
    sent_ = true;
    return options_.authzid + '\0' + options_.authcid + '\0' + options_.password;
  }
  /// Without initial response the server asks by an empty challenge.
  Result<std::string> step(std::string_view challenge) override {
    if (sent_ || !challenge.empty()) return fail(Errc::malformed, "unexpected challenge");
    return *initial();
  }
  bool complete() const override { return sent_; }

 private:
  ClientOptions options_;
  bool sent_ = false;
};

class LoginClient final : public ClientMechanism {
 public:
  explicit LoginClient(const ClientOptions& options) : options_(options) {}
  std::optional<std::string> initial() override { return std::nullopt; }
  /// Servers word the two prompts as they like: the order counts.
  Result<std::string> step(std::string_view) override {
    if (sent_ == 2) return fail(Errc::malformed, "unexpected challenge");
    return ++sent_ == 1 ? options_.authcid : options_.password;
  }
  bool complete() const override { return sent_ == 2; }

 private:
  ClientOptions options_;
  int sent_ = 0;
};

}  // namespace

std::unique_ptr<ServerMechanism> make_plain_server() {
  return std::make_unique<PlainServer>();
}
std::unique_ptr<ServerMechanism> make_login_server() {
  return std::make_unique<LoginServer>();
}
std::unique_ptr<ServerMechanism> make_external_server(const ServerOptions& options) {
  return std::make_unique<ExternalServer>(options.external_authcid);
}
std::unique_ptr<ClientMechanism> make_plain_client(const ClientOptions& options) {
  return std::make_unique<PlainClient>(options);
}
std::unique_ptr<ClientMechanism> make_login_client(const ClientOptions& options) {
  return std::make_unique<LoginClient>(options);
}

}  // namespace dromos::sasl
