// Runtime: what every daemon of Dromos is before it is an mta or imapd: arguments, config, log, worker
// threads, listeners, RPC server with hints and health, /metrics /healthz /readyz, certificates reloaded on
// SIGHUP, drain on SIGTERM, readiness and watchdog to the service manager.
//
// A daemon is an App: start() builds its parts, registers RPC methods and opens listeners; serving begins
// when it returns. Nobody waits for another daemon to start.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/async/offload.h"
#include "common/config/config.h"
#include "common/daemon/workers.h"
#include "common/db/pool.h"
#include "common/http/router.h"
#include "common/http/server.h"
#include "common/net/listener.h"
#include "common/net/tls.h"
#include "common/rpc/client.h"
#include "common/rpc/hints.h"
#include "common/rpc/server.h"

namespace dromos::daemon {

/// A new connection, on the thread of the worker it belongs to. Wrap `fd` in a net::Stream at once; call
/// `runtime.workers().drop_connection(worker)` when the session has ended.
struct Incoming {
  size_t worker;
  int fd;
  net::Address peer;
  std::shared_ptr<const config::Listener> listener;
};
using ConnectionHandler = std::function<void(Incoming)>;

class Runtime {
 public:
  Runtime(config::Config config, config::Daemon kind);
  ~Runtime();

  const config::Config& config() const { return config_; }
  config::Daemon kind() const { return kind_; }
  Workers& workers() { return *workers_; }
  /// Main reactor only (hints().publish is thread-safe).
  rpc::Server& rpc() { return *rpc_; }
  rpc::HintPublisher& hints() { return *hints_; }
  /// Client options for calling `daemon`.
  rpc::Client::Options rpc_to(config::Daemon daemon) const;
  /// Conninfo of this daemon's role.
  std::string conninfo() const { return config::conninfo_for(config_, kind_); }

  /// Current certificates; nullptr if none are configured. Thread-safe; take it anew for each handshake.
  std::shared_ptr<const net::TlsServer> tls() const;
  /// For listeners that people log in at: with `tls.client_ca`, clients are asked for certificates of it
  /// (imapd and mta; elsewhere, and without that setting, the same as tls()).
  std::shared_ptr<const net::TlsServer> tls_for_people() const;

  /// Binds (or inherits from systemd, by `name`) every listener; accepting begins after App::start.
  Result<void> listen(const std::string& name, const std::vector<config::Listener>& listeners,
                      ConnectionHandler handler);

  /// Where the listeners of that name are bound.
  std::vector<net::Address> addresses(const std::string& name) const;

  /// `what` (static) shows in /readyz while `check` returns text. Main reactor.
  void add_readiness(std::function<std::string()> check) { readiness_.push_back(std::move(check)); }
  /// Shows in /readyz while `pool` has no usable database, and keeps trying. The pool is of the main reactor
  /// and lives until App::drain.
  void watch_database(db::Pool& pool);
  /// Runs `task` on worker `index` and waits for it.
  template <class T>
  Task<T> on_worker(size_t index, Task<T> task) {
    return run_on(workers_->reactor(index), std::move(task));
  }

 private:
  friend int run(int argc, char** argv, config::Daemon kind,
                 std::function<std::unique_ptr<class App>()> make);
  friend struct Main;
  Result<void> load_tls();
  Result<void> open_ops();
  void start_accepting();
  std::string ports_json() const;
  static Task<void> keep_connected(db::Pool* pool, CancelToken token);

  struct Bound {
    std::string name;
    std::unique_ptr<net::Listener> listener;
    std::shared_ptr<const config::Listener> config;
    ConnectionHandler handler;
  };

  config::Config config_;
  config::Daemon kind_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<rpc::Server> rpc_;
  std::unique_ptr<rpc::HintPublisher> hints_;
  mutable std::mutex tls_mutex_;
  std::shared_ptr<const net::TlsServer> tls_;
  std::shared_ptr<const net::TlsServer> tls_for_people_;
  std::vector<Bound> bound_;
  std::vector<std::function<std::string()>> readiness_;
  http::Router ops_router_;
  std::unique_ptr<http::Server> ops_;
  bool draining_ = false;
  TaskGroup watching_;
  TaskGroup accepting_;
  TaskGroup ops_tasks_;
};

class App {
 public:
  virtual ~App() = default;
  virtual Task<Result<void>> start(Runtime& runtime) = 0;
  /// Listeners are closed; end sessions, politely until `deadline`, then at once. Everything started on any
  /// worker has ended when this returns.
  virtual Task<void> drain(Deadline deadline) = 0;
};

/// main() of a daemon: `--config FILE [--ports-file FILE] [--check-config] [--probe] [--version]`. Returns
/// the exit status (78, EX_CONFIG, for a bad configuration).
int run(int argc, char** argv, config::Daemon kind, std::function<std::unique_ptr<App>()> make);

/// Reads the PROXY header if `listener` demands one and makes its source the stream's peer.
Task<Result<void>> take_proxy_header(net::Stream& stream, const config::Listener& listener,
                                     Deadline deadline);

}  // namespace dromos::daemon
