// Who asks: Basic with a password or app password, Bearer with an API key of scope jmap (RFC 8620 §8.2).
#pragma once

#include "common/http/message.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

struct Login {
  AccountId account;
  std::string name;
};

/// The login, or the answer that refuses it (401, 429, 503).
Task<tl::expected<Login, http::Response>> log_in(Services& services, http::Request& request);

}  // namespace dromos::jmapd
