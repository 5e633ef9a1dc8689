#include "jmapd/http/routes.h"

#include "jmapd/http/api.h"

namespace dromos::jmapd {

http::Router make_router(Services& services) {
  using http::Method;
  http::Router router;
  const config::JmapLimits& limits = services.shared.limits;
  const auto session = [&services](http::Request& request) { return get_session(services, request); };
  router.add(Method::get, "/.well-known/jmap", session);
  router.add(Method::get, "/jmap/session", session);
  router.add(Method::post, "/jmap",
             [&services](http::Request& request) { return post_api(services, request); },
             {.body_limit = limits.request_size.bytes});
  return router;
}

}  // namespace dromos::jmapd
