#include "common/directory/types.h"

#include <algorithm>

namespace dromos::directory {

std::string_view to_string(Reject reject) {
  switch (reject) {
    case Reject::none:
      return "none";
    case Reject::not_local:
      return "not_local";
    case Reject::unknown:
      return "unknown";
    case Reject::disabled:
      return "disabled";
    case Reject::domain_disabled:
      return "domain_disabled";
    case Reject::no_target:
      return "no_target";
    case Reject::too_deep:
      return "too_deep";
    case Reject::too_many:
      return "too_many";
  }
  return "unknown";
}

namespace {
bool contains(const std::vector<std::string>& scopes, std::string_view scope) {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}
}  // namespace

bool Identity::may_use(std::string_view scope) const {
  return via == Via::password || via == Via::scram || via == Via::certificate || contains(scopes, scope);
}

bool ApiKeyOwner::may_use(std::string_view scope) const {
  return contains(scopes, scope) || contains(scopes, "*");
}

}  // namespace dromos::directory
