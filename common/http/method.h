// HTTP methods that the parser knows: RFC 9110, PATCH (RFC 5789), WebDAV (RFC 4918, 3253, 3744, 5323, 5842)
// and CalDAV (RFC 4791). Others are answered 501 before routing.
#pragma once

#include <optional>
#include <string_view>

namespace dromos::http {

enum class Method {
  get,
  head,
  post,
  put,
  patch,
  delete_,
  options,
  trace,
  connect,
  propfind,
  proppatch,
  mkcol,
  copy,
  move,
  lock,
  unlock,
  report,
  mkcalendar,
  acl,
  search,
  bind,
  unbind,
  rebind,
  checkout,
  merge,
  mkactivity,
};
inline constexpr int kMethodCount = static_cast<int>(Method::mkactivity) + 1;

std::string_view method_name(Method method);
/// Case matters (RFC 9110 §9.1).
std::optional<Method> parse_method(std::string_view name);

}  // namespace dromos::http
