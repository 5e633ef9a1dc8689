// Upload and download (RFC 8620 §6.1, §6.2).
#pragma once

#include "common/http/message.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

Task<http::Response> post_upload(Services& services, http::Request& request);
Task<http::Response> get_download(Services& services, http::Request& request);

}  // namespace dromos::jmapd
