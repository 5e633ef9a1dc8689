// Traces: the story of a message or connection by trace id. That of accepted mail is written with its commit
// (Delivery::trace); put() is for the rest.
#pragma once

#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/delivery.h"

namespace dromos::store {

struct TraceRow {
  TraceEvent event;
  int64_t at_us = 0;
};

struct TraceQuery {
  std::string sender;  ///< "" matches all
  std::string recipient;
  std::string event;
  std::string message_id;  ///< without brackets: all events of the messages that had it
  int64_t from_us = 0;
  int64_t to_us = 0;
  int32_t limit = 100;
};

class Traces {
 public:
  explicit Traces(db::Pool& pool) : pool_(pool) {}
  Task<Result<void>> put(std::vector<TraceEvent> events, Deadline deadline);
  Task<Result<std::vector<TraceRow>>> get(TraceId trace, Deadline deadline);
  Task<Result<std::vector<TraceRow>>> find(TraceQuery query, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
