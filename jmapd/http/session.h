// The session resource (RFC 8620 §2).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "jmapd/http/login.h"

namespace dromos::jmapd {

/// Base of all URLs: the configured one, or from the Host header. Without a trailing slash.
std::string base_url(const Services& services, const http::Request& request);
nlohmann::json session_object(const Services& services, const Login& login, const std::string& base);
/// Changes whenever the session of this login would.
std::string session_state(const Services& services, const Login& login);

}  // namespace dromos::jmapd
