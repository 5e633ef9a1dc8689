// Constructors of the single mechanisms. Internal to common/sasl.
#pragma once

#include <memory>

#include "common/sasl/client.h"
#include "common/sasl/server.h"

namespace dromos::sasl {

std::unique_ptr<ServerMechanism> make_plain_server();
std::unique_ptr<ServerMechanism> make_login_server();
std::unique_ptr<ServerMechanism> make_external_server(const ServerOptions& options);
std::unique_ptr<ServerMechanism> make_scram_server(ScramHash hash, bool plus, const ServerOptions& options);

std::unique_ptr<ClientMechanism> make_plain_client(const ClientOptions& options);
std::unique_ptr<ClientMechanism> make_login_client(const ClientOptions& options);
std::unique_ptr<ClientMechanism> make_scram_client(ScramHash hash, bool plus, const ClientOptions& options);

}  // namespace dromos::sasl
