// What handlers of one worker work with: connections to the database and to the other daemons. Everything
// here belongs to one reactor.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "common/async/task_group.h"
#include "common/daemon/runtime.h"
#include "common/db/pool.h"
#include "common/directory/admin.h"
#include "common/directory/administrators.h"
#include "common/directory/directory.h"
#include "common/directory/login_state.h"
#include "common/store/acl_admin.h"
#include "common/store/collector.h"
#include "common/store/queue.h"
#include "common/store/reindex.h"
#include "common/store/trace.h"

namespace dromos::admind {

struct Services {
  Services(daemon::Runtime& in, std::shared_ptr<directory::LoginState> logins);

  daemon::Runtime& runtime;
  std::shared_ptr<directory::LoginState> logins;
  db::Pool pool;
  directory::Directory directory;
  directory::DirectoryAdmin admin;
  directory::Administrators administrators;
  store::AclAdmin acl;
  store::Queue queue;
  store::Reindex reindex;
  store::Traces traces;
  store::Collector collector;
  TaskGroup background;

  /// Runs a job of this process soon; no effect for others' names.
  std::function<void(const std::string&)> wake_job;

  /// Made at first use: an idle admind keeps no channels.
  rpc::Client& peer(config::Daemon daemon);
  /// Tells the other daemons that what they have cached may be old. A hint: never fails a request.
  Task<void> announce();

  Task<void> close();

 private:
  std::array<std::unique_ptr<rpc::Client>, config::kDaemonCount> peers_;
};

}  // namespace dromos::admind
