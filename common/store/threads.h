// Threads: messages by thread id.
#pragma once

#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct ThreadMember {
  ThreadId thread;
  MessageId id;
  int64_t received_us = 0;
};

class Threads {
 public:
  explicit Threads(db::Pool& pool) : pool_(pool) {}
  /// Messages with an entry that is not \Deleted, by thread and time of receipt.
  Task<Result<std::vector<ThreadMember>>> members(AccountId account, std::vector<ThreadId> threads,
                                                  Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
