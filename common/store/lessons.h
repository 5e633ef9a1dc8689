// What people moved into and out of Junk and spamd has not learned yet. Written by the moves themselves, in
// their transaction (mail.note_moved).
#pragma once

#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct Lesson {
  AccountId account;
  MessageId message;
  bool spam = false;
  int64_t at_us = 0;
};

class Lessons {
 public:
  explicit Lessons(db::Pool& pool) : pool_(pool) {}
  /// The oldest, at most `limit`.
  Task<Result<std::vector<Lesson>>> pending(int32_t limit, Deadline deadline);
  /// Learned. A word about the message that came later stays to be learned.
  Task<Result<void>> done(const Lesson& lesson, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
