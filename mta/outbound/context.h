// What the parts of the outbound side share.
#pragma once

#include "common/store/queue.h"
#include "common/store/trace.h"
#include "mta/outbound/queue_runner.h"

namespace dromos::mta {

/// Longest wait for one database call of ours.
inline constexpr milliseconds kDatabaseWait{20'000};

struct OutboundContext {
  OutboundContext(QueueRunnerOptions the_options, QueueRunnerParts the_parts)
      : options(std::move(the_options)), parts(std::move(the_parts)), queue(parts.pool), traces(parts.pool) {}

  const QueueRunnerOptions options;
  const QueueRunnerParts parts;
  store::Queue queue;
  store::Traces traces;
  bool closing = false;
};

}  // namespace dromos::mta
