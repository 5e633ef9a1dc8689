#include "jmapd/http/event_route.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/http/problem.h"
#include "jmapd/http/login.h"

namespace dromos::jmapd {
namespace {

/// Shorter intervals cost more than they tell; RFC 8620 §7.3 lets us clamp.
constexpr uint64_t kMinPing = 5;
constexpr uint64_t kMaxPing = 900;
constexpr size_t kMaxTypes = 64;

}  // namespace

Task<http::Response> get_events(Services& services, PushHub& hub, http::Request& request) {
  auto login = co_await log_in(services, request);
  if (!login) co_return std::move(login).error();
  PushHub::Wish wish;
  const std::string types = request.query("types").value_or("*");
  if (types.empty()) co_return http::problem(400, "types is a list of types, or *");
  if (types != "*")
    for (const std::string_view type : split(types, ','))
      if (wish.types.size() < kMaxTypes) wish.types.emplace(type);
  const std::string close_after = request.query("closeafter").value_or("no");
  if (close_after != "no" && close_after != "state")
    co_return http::problem(400, "closeafter is state or no");
  wish.close_after_state = close_after == "state";
  const auto ping = parse_number<uint64_t>(request.query("ping").value_or("0"));
  if (!ping) co_return http::problem(400, "ping is a number of seconds");
  wish.ping_seconds = *ping == 0 ? 0 : std::clamp(*ping, kMinPing, kMaxPing);
  wish.last_event_id = request.headers.value("Last-Event-ID");
  co_return co_await hub.subscribe(login->account, std::move(wish));
}

}  // namespace dromos::jmapd
