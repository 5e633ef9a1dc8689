// Follower: keeps the engine's model at the store's version: all at start, then event by event; all again
// when events are gone or one is missing. Without a store the engine goes on with what it has.
#pragma once

#include "common/async/cancel.h"
#include "common/async/sync.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "spamd/service/engine.h"

namespace dromos::spamd {

class ModelStore;

class Follower {
 public:
  Follower(Engine& engine, ModelStore& store) : engine_(engine), store_(store) {}

  /// Brings the engine up to the store's version now.
  Task<Result<void>> catch_up(Deadline deadline);
  /// Catches up every `interval` until cancelled; logs each change between reachable and not.
  Task<void> run(milliseconds interval, CancelToken token);
  /// True once a model was loaded (an empty one counts).
  bool loaded() const { return loaded_; }

 private:
  Task<Result<void>> catch_up_locked(Deadline deadline);

  Engine& engine_;
  ModelStore& store_;
  Mutex mutex_;
  bool loaded_ = false;
};

}  // namespace dromos::spamd
