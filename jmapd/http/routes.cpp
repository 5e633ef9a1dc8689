#include "jmapd/http/routes.h"

#include "jmapd/http/api.h"
#include "jmapd/http/blob_routes.h"
#include "jmapd/http/event_route.h"

namespace dromos::jmapd {

http::Router make_router(Services& services, PushHub& hub) {
  using http::Method;
  http::Router router;
  const config::JmapLimits& limits = services.shared.limits;
  const auto session = [&services](http::Request& request) { return get_session(services, request); };
  router.add(Method::get, "/.well-known/jmap", session);
  router.add(Method::get, "/jmap/session", session);
  router.add(Method::post, "/jmap",
             [&services](http::Request& request) { return post_api(services, request); },
             {.body_limit = 2 * limits.request_size.bytes});
  const auto upload = [&services](http::Request& request) { return post_upload(services, request); };
  // Both forms: clients drop the slash of the template.
  router.add(Method::post, "/jmap/upload/{accountId}/{rest...}", upload, {.body_limit = UINT64_MAX});
  router.add(Method::post, "/jmap/upload/{accountId}", upload, {.body_limit = UINT64_MAX});
  router.add(Method::get, "/jmap/download/{accountId}/{blobId}/{name}",
             [&services](http::Request& request) { return get_download(services, request); });
  router.add(Method::get, "/jmap/eventsource",
             [&services, &hub](http::Request& request) { return get_events(services, hub, request); });
  return router;
}

}  // namespace dromos::jmapd
