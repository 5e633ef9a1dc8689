// Every mechanism against arbitrary messages (separated by LF, decoded as lines when base64): no message may
// log in, as the password check always says no and no SCRAM proof is right.
#include <cstdlib>
#include <string>

#include "common/base/strings.h"
#include "common/sasl/client.h"
#include "common/sasl/framing.h"
#include "common/sasl/server.h"

using namespace dromos;
using namespace dromos::sasl;

static void serve(const std::string& mechanism, const ServerOptions& options, std::string_view bytes) {
  static const ScramVerifier verifier = make_scram_verifier("secret", "0123456789abcdef", 4096);
  const auto server = make_server(mechanism, options);
  for (const std::string_view message : split(bytes, '\n')) {
    Step step = server->step(message);
    if (std::holds_alternative<NeedPassword>(step))
      step = server->password_result(false);
    else if (std::holds_alternative<NeedExternal>(step))
      step = server->external_result(false);
    else if (const auto* need = std::get_if<NeedScram>(&step))
      step = server->scram_credentials(need->authcid == "alice" ? std::optional(verifier) : std::nullopt);
    if (std::holds_alternative<Done>(step)) std::abort();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ServerOptions options;
  options.tls = true;
  options.scram_sha1 = true;
  options.external_authcid = "cert";
  options.server_nonce = "N";
  options.fake_salt_key = "k";
  options.bindings = {{"tls-exporter", "EKM"}};
  for (const std::string& mechanism : offered_mechanisms(options)) serve(mechanism, options, bytes);
  ClientOptions client_options;
  client_options.authcid = "alice";
  client_options.nonce = "abc";
  // Low cost only: the iteration bound itself has a unit test.
  if (bytes.find(",i=4096") != std::string_view::npos || bytes.find(",i=") == std::string_view::npos) {
    const auto client = make_client("SCRAM-SHA-256", client_options);
    (void)client->initial();
    for (const std::string_view message : split(bytes, '\n'))
      if (!client->step(message)) break;
  }
  (void)decode_initial(bytes);
  (void)decode_response(bytes);
  (void)ScramVerifier::parse(bytes);
  return 0;
}
