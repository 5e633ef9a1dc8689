#include "jmapd/methods/types.h"

#include <nlohmann/json.hpp>

namespace dromos::jmapd {

std::vector<std::shared_ptr<ObjectType>> mail_types() {
  return {make_mailbox_type(), make_thread_type(), make_email_type()};
}

}  // namespace dromos::jmapd
