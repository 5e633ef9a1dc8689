// Telling the service manager (sd_notify(3)): a datagram to $NOTIFY_SOCKET, nothing if it is not set.
#pragma once

#include <chrono>
#include <string_view>

namespace dromos::daemon {

/// "READY=1", "STOPPING=1", "STATUS=...", "WATCHDOG=1".
void notify(std::string_view state);
/// Half of WATCHDOG_USEC, or zero if the manager asks for none.
std::chrono::milliseconds watchdog_interval();

}  // namespace dromos::daemon
