// ModelStore: the learned model in PostgreSQL, schema `spam` (common/store/migrations/0050_spam.sql). The
// only SQL of spamd. One reactor; errors are those of common/db.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "spamd/service/engine.h"

namespace dromos::db {
class Pool;
}

namespace dromos::spamd {

struct Outcome {
  bool changed = false;
  uint64_t version = 0;
};

struct Changes {
  /// True: events since then are gone, or the store is older than the asker (restored); load() instead.
  bool reload = false;
  uint64_t version = 0;  ///< of the store now
  std::vector<Event> events;
};

struct TokenCount {
  uint64_t ham = 0;
  uint64_t spam = 0;
};

struct Pruned {
  int64_t events = 0;
  int64_t tokens = 0;
};

class ModelStore {
 public:
  /// Events of one changes() at most; ask again while `version` is ahead of the last.
  static constexpr int64_t kMaxEvents = 200;

  explicit ModelStore(db::Pool& pool) : pool_(pool) {}

  /// The whole model of this feature version in one snapshot; an empty one if nothing was learned.
  Task<Result<Model>> load(Deadline deadline);
  Task<Result<Changes>> changes(uint64_t since, Deadline deadline);

  /// Commits the lesson; idempotent by `learn_id`.
  Task<Result<Outcome>> learn(Uuid learn_id, AccountId teacher, Label label, const Lesson& lesson,
                              Deadline deadline);
  /// Takes back what `learn_id` taught.
  Task<Result<Outcome>> forget(Uuid learn_id, AccountId teacher, Deadline deadline);

  Task<Result<std::unordered_map<Token, TokenCount>>> counts(const std::vector<ExplainedToken>& tokens,
                                                             Deadline deadline);
  /// Drops some events past their time, and the tokens that only they taught; nodes follow by the events this
  /// makes. All zero when nothing was due.
  Task<Result<Pruned>> prune(Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::spamd
