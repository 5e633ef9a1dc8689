// The jobs that admind keeps: partitions, retention, unreferenced blobs, old traces and deliveries, mail of
// deleted accounts, expired secrets, idempotency keys; and the watchdog over locks. None of them sees
// content.
#pragma once

#include "admind/service/services.h"
#include "common/jobs/leased_runner.h"

namespace dromos::admind {

void add_upkeep(jobs::LeasedRunner& runner, Services& services);
/// Ends daemons' sessions that hold locks while waiting for their client. Needs no lease.
Task<void> watch_locks(Services& services, CancelToken token);

}  // namespace dromos::admind
