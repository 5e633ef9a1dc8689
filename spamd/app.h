// SpamdApp: wires engine, store, follower and RPC. Serves from the first moment, with priors until the model
// is loaded.
#pragma once

#include <memory>

#include "common/async/task_group.h"
#include "common/daemon/runtime.h"
#include "common/db/pool.h"
#include "common/jobs/leased_runner.h"
#include "spamd/rpc/handlers.h"
#include "spamd/service/engine.h"
#include "spamd/service/follower.h"
#include "spamd/store/model_store.h"

namespace dromos::spamd {

class SpamdApp : public daemon::App {
 public:
  ~SpamdApp() override;
  Task<Result<void>> start(daemon::Runtime& runtime) override;
  Task<void> drain(Deadline deadline) override;

 private:
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<db::Pool> pool_;
  std::unique_ptr<ModelStore> store_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<Handlers> handlers_;
  std::unique_ptr<jobs::LeasedRunner> jobs_;
  TaskGroup tasks_;
};

}  // namespace dromos::spamd
