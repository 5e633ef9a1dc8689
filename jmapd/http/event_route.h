// GET /jmap/eventsource (RFC 8620 §7.3).
#pragma once

#include "common/http/message.h"
#include "jmapd/service/push_hub.h"

namespace dromos::jmapd {

Task<http::Response> get_events(Services& services, PushHub& hub, http::Request& request);

}  // namespace dromos::jmapd
