// dromos-admind: REST for administrators on every worker, background jobs on the first.
#pragma once

#include <memory>
#include <vector>

#include "common/daemon/runtime.h"
#include "common/http/router.h"
#include "common/http/server.h"

namespace dromos::directory {
class LoginState;
}

namespace dromos::admind {

struct Services;

class AdmindApp : public daemon::App {
 public:
  AdmindApp();
  ~AdmindApp() override;
  Task<Result<void>> start(daemon::Runtime& runtime) override;
  Task<void> drain(Deadline deadline) override;

 private:
  struct Worker;
  static Task<std::unique_ptr<Worker>> make_worker(AdmindApp& app,
                                                   std::shared_ptr<directory::LoginState> logins);
  static Task<void> end_worker(std::unique_ptr<Worker> worker, Deadline deadline);
  void accept(daemon::Incoming incoming, bool tls);

  daemon::Runtime* runtime_ = nullptr;
  std::vector<std::unique_ptr<Worker>> workers_;  // each made, used and ended on its own thread
};

}  // namespace dromos::admind
