// GET /.well-known/jmap and POST /jmap (RFC 8620 §2.2, §3).
#pragma once

#include "common/http/message.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

Task<http::Response> get_session(Services& services, http::Request& request);
Task<http::Response> post_api(Services& services, http::Request& request);

/// A request-level error: problem details with a type of urn:ietf:params:jmap:error (RFC 8620 §3.6.1).
http::Response jmap_problem(int status, std::string_view type, std::string_view detail,
                            std::string_view limit = {});

}  // namespace dromos::jmapd
