#include "common/sasl/server.h"

#include "common/base/strings.h"
#include "common/sasl/mechanisms.h"
#include "common/sasl/scram_crypto.h"

namespace dromos::sasl {

// An answer to a question that the mechanism did not ask ends the exchange.
Step ServerMechanism::password_result(bool) {
  return Failed{Errc::malformed, "unexpected password result"};
}
Step ServerMechanism::scram_credentials(std::optional<ScramVerifier>) {
  return Failed{Errc::malformed, "unexpected SCRAM credentials"};
}
Step ServerMechanism::external_result(bool) {
  return Failed{Errc::malformed, "unexpected EXTERNAL result"};
}

namespace {

std::vector<std::string> accepted_mechanisms(const ServerOptions& options) {
  std::vector<std::string> names;
  if (!options.external_authcid.empty()) names.emplace_back("EXTERNAL");
  for (const bool plus : {true, false}) {
    if (plus && options.bindings.empty()) continue;
    const std::string suffix = plus ? "-PLUS" : "";
    if (options.scram_sha256) names.push_back("SCRAM-SHA-256" + suffix);
    if (options.scram_sha1) names.push_back("SCRAM-SHA-1" + suffix);
  }
  if (options.tls || options.allow_plain_without_tls) {
    names.emplace_back("PLAIN");
    names.emplace_back("LOGIN");
  }
  return names;
}

}  // namespace

std::vector<std::string> offered_mechanisms(const ServerOptions& options) {
  auto names = accepted_mechanisms(options);
  if (!options.announce_plus) std::erase_if(names, [](const auto& name) { return name.ends_with("-PLUS"); });
  return names;
}

std::unique_ptr<ServerMechanism> make_server(std::string_view mechanism, const ServerOptions& options) {
  bool offered = false;
  for (const std::string& name : accepted_mechanisms(options)) offered = offered || iequals(name, mechanism);
  if (!offered) return nullptr;
  if (iequals(mechanism, "PLAIN")) return make_plain_server();
  if (iequals(mechanism, "LOGIN")) return make_login_server();
  if (iequals(mechanism, "EXTERNAL")) return make_external_server(options);
  const bool plus = to_upper(mechanism).ends_with("-PLUS");
  const ScramHash hash = istarts_with(mechanism, "SCRAM-SHA-256") ? ScramHash::sha256 : ScramHash::sha1;
  return make_scram_server(hash, plus, options);
}

std::unique_ptr<ClientMechanism> make_client(std::string_view mechanism, const ClientOptions& options) {
  const std::string name = to_upper(mechanism);
  if (name == "PLAIN") return make_plain_client(options);
  if (name == "LOGIN") return make_login_client(options);
  for (const ScramHash hash : {ScramHash::sha256, ScramHash::sha1}) {
    if (name == scram_name(hash)) return make_scram_client(hash, false, options);
    if (name == std::string(scram_name(hash)) + "-PLUS" && options.binding)
      return make_scram_client(hash, true, options);
  }
  return nullptr;
}

}  // namespace dromos::sasl
