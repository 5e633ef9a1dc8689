// How many connections there is room for: as configured, if the process may have so many descriptors. Those
// past it hear so and are closed; with none left for databases and spooled literals all sessions would
// suffer.
#pragma once

#include <cstdint>

namespace dromos::imapd {

/// Descriptors that are kept for all that is no connection; a quarter where few are allowed.
inline constexpr uint64_t kDescriptorsKept = 300;

/// Of a process that may have `descriptors`.
uint32_t room_for_connections(uint32_t configured, uint64_t descriptors);
/// RLIMIT_NOFILE of this one.
uint64_t descriptors_allowed();

}  // namespace dromos::imapd
