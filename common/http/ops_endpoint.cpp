#include "common/http/ops_endpoint.h"

#include <memory>

namespace dromos::http {
namespace {

Task<Response> answer(Response response) {
  co_return std::move(response);
}

Handler state_handler(std::function<std::string()> state) {
  return [state = std::move(state)](Request&) {
    std::string wrong = state ? state() : std::string{};
    const int status = wrong.empty() ? 200 : 503;
    if (wrong.empty()) wrong = "ok";
    return answer(Response(status, "text/plain; charset=utf-8", wrong + "\n"));
  };
}

}  // namespace

void mount_ops(Router& router, OpsCallbacks callbacks) {
  router.add(Method::get, "/healthz", state_handler(std::move(callbacks.healthy)));
  router.add(Method::get, "/readyz", state_handler(std::move(callbacks.ready)));
  if (!callbacks.metrics) return;
  router.add(Method::get, "/metrics", [metrics = std::move(callbacks.metrics)](Request&) {
    return answer(Response(200, "text/plain; version=0.0.4; charset=utf-8", metrics()));
  });
}

}  // namespace dromos::http
