// All routes of jmapd over one worker's services.
#pragma once

#include "common/http/router.h"
#include "jmapd/service/push_hub.h"

namespace dromos::jmapd {

http::Router make_router(Services& services, PushHub& hub);

}  // namespace dromos::jmapd
