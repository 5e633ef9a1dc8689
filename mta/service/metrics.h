// The counters of mta, registered once.
#pragma once

#include <string_view>

#include "common/metrics/metrics.h"

namespace dromos::mta::metrics {

using dromos::metrics::Counter;
using dromos::metrics::Gauge;
using dromos::metrics::Held;
using dromos::metrics::Histogram;

/// By the first digit of the code.
Counter& reply(int code);
/// accepted, refused, deferred; of whole messages.
Counter& messages(std::string_view result);
/// stored, queued, refused; of recipients.
Counter& recipients(std::string_view result);
Counter& logins(std::string_view result);
/// ham, unsure, spam, unscanned.
Counter& scans(std::string_view verdict);
Counter& connections();
Counter& connections_refused();
Counter& trace_dropped();
Gauge& sessions();
Histogram& scan_seconds();
Histogram& commit_seconds();
Histogram& message_bytes();

}  // namespace dromos::mta::metrics
