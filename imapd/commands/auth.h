// What LOGIN, AUTHENTICATE, STARTTLS and CAPABILITY share: which ways in are open on this connection.
#pragma once

#include <string>
#include <vector>

#include "common/sasl/server.h"
#include "imapd/commands/context.h"

namespace dromos::imapd {

bool may_start_tls(const Context& context);
/// PLAIN and LOGIN: with TLS, or where the configuration says plaintext_login.
bool may_send_password(const Context& context);
std::vector<std::string> offered_mechanisms(const Context& context);
sasl::ServerOptions sasl_options(const Context& context);
/// After a successful exchange: scope, limits, state. The tagged answer.
Reply admit(Context& context, directory::Identity who);
/// The answer to a refused login; counts it, and ends the session after too many.
Reply refuse_login(Context& context, std::string_view mechanism, std::string_view login, const Error& error);

}  // namespace dromos::imapd
