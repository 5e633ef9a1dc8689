#include "jmapd/methods/types.h"

#include <nlohmann/json.hpp>

namespace dromos::jmapd {

std::vector<std::shared_ptr<ObjectType>> mail_types() {
  return {make_thread_type(), make_email_type()};
}

std::vector<std::pair<std::string, MethodFunction>> mail_methods() {
  return {};
}

}  // namespace dromos::jmapd
