#include "admind/api/actor.h"

#include <algorithm>

namespace dromos::admind {

namespace {
std::pair<std::string_view, std::string_view> halves(std::string_view scope) {
  const size_t colon = scope.find(':');
  if (colon == std::string_view::npos) return {scope, {}};
  return {scope.substr(0, colon), scope.substr(colon + 1)};
}
}  // namespace

bool scope_covers(std::string_view granted, std::string_view wanted) {
  if (granted == "*" || granted == wanted) return true;
  const auto [granted_what, granted_how] = halves(granted);
  const auto [what, how] = halves(wanted);
  if (granted_how.empty()) return false;
  return (granted_what == "*" || granted_what == what) && (granted_how == "*" || granted_how == how);
}

bool Actor::may(std::string_view scope) const {
  if (kind != Kind::administrator) return false;
  const auto [what, how] = halves(scope);
  if (role == "auditor" && how != "read") return false;
  if (role == "operator" && what == "administrators" && how != "read") return false;
  if (role != "owner" && role != "operator" && role != "auditor") return false;
  return std::any_of(scopes.begin(), scopes.end(),
                     [&](const std::string& granted) { return scope_covers(granted, scope); });
}

bool Actor::may_grant(std::string_view scope) const {
  if (kind != Kind::administrator) return false;
  return std::any_of(scopes.begin(), scopes.end(),
                     [&](const std::string& granted) { return scope_covers(granted, scope); });
}

std::string Actor::label() const {
  switch (kind) {
    case Kind::administrator:
      return "admin:" + name;
    case Kind::account:
      return "account:" + name;
    case Kind::nobody:
      break;
  }
  return "nobody";
}

}  // namespace dromos::admind
