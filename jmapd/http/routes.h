// All routes of jmapd over one worker's services.
#pragma once

#include "common/http/router.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

http::Router make_router(Services& services);

}  // namespace dromos::jmapd
