#include "common/http/method.h"

namespace dromos::http {
namespace {

constexpr std::string_view kNames[] = {
    "GET",      "HEAD",      "POST",  "PUT",    "PATCH",  "DELETE",   "OPTIONS", "TRACE",      "CONNECT",
    "PROPFIND", "PROPPATCH", "MKCOL", "COPY",   "MOVE",   "LOCK",     "UNLOCK",  "REPORT",     "MKCALENDAR",
    "ACL",      "SEARCH",    "BIND",  "UNBIND", "REBIND", "CHECKOUT", "MERGE",   "MKACTIVITY",
};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == kMethodCount);

}  // namespace

std::string_view method_name(Method method) {
  return kNames[static_cast<int>(method)];
}

std::optional<Method> parse_method(std::string_view name) {
  for (int i = 0; i < kMethodCount; ++i)
    if (kNames[i] == name) return static_cast<Method>(i);
  return std::nullopt;
}

}  // namespace dromos::http
