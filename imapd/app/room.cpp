#include "imapd/app/room.h"

#include <sys/resource.h>

#include <algorithm>

namespace dromos::imapd {

uint32_t room_for_connections(uint32_t configured, uint64_t descriptors) {
  const uint64_t room = descriptors - std::min(kDescriptorsKept, descriptors / 4);
  return static_cast<uint32_t>(std::clamp<uint64_t>(room, 1, std::max(configured, 1U)));
}

uint64_t descriptors_allowed() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : UINT64_MAX;
}

}  // namespace dromos::imapd
