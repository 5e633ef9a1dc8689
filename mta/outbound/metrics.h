// The counters of the outbound side, registered once.
#pragma once

#include <string_view>

#include "common/metrics/metrics.h"

namespace dromos::mta::outbound_metrics {

/// Recipients of attempts: delivered, deferred, failed, relayed, again, lost (the lease was).
dromos::metrics::Counter& attempts(std::string_view result);
/// failed, delayed, delivered, relayed; dropped: the sender was <> or is no more.
dromos::metrics::Counter& reports(std::string_view action);
/// Transactions whose 250 may be followed by another of the same: the result could not be written.
dromos::metrics::Counter& possible_duplicates();
dromos::metrics::Counter& connections(std::string_view result);
/// Recipients leased by this process.
dromos::metrics::Gauge& leased();
dromos::metrics::Gauge& sending();
/// All recipients of the queue, as last counted.
dromos::metrics::Gauge& queue_length(std::string_view transport);
dromos::metrics::Histogram& attempt_seconds();
/// From acceptance to delivery.
dromos::metrics::Histogram& delivery_seconds();

}  // namespace dromos::mta::outbound_metrics
