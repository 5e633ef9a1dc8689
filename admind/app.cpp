#include "admind/app.h"

#include <unistd.h>

#include "admind/api/dispatch.h"
#include "admind/service/services.h"
#include "admind/service/upkeep.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"

namespace dromos::admind {

namespace {

// As long as a round over a large store takes; the lease is renewed meanwhile.
constexpr milliseconds kUpkeepLimit = std::chrono::minutes(9);

std::string where_this_runs() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return std::string("admind ") + host + " " + std::to_string(::getpid());
}

void observe(const http::Exchange& exchange) {
  static metrics::Histogram& time = metrics::histogram("dromos_admind_request_seconds",
                                                       "Time of REST requests.", metrics::latency_bounds());
  time.observe(std::chrono::duration<double>(exchange.time).count());
  log::debug("http.request", {{"method", http::method_name(exchange.request.method)},
                              {"path", exchange.request.path},
                              {"status", exchange.status},
                              {"ms", exchange.time},
                              {"trace", exchange.request.trace}});
  if (!exchange.error.empty())
    log::error("http.failed",
               {{"path", exchange.request.path}, {"trace", exchange.request.trace}, {"err", exchange.error}});
}

http::ServerOptions server_options(const config::Admind& config) {
  http::ServerOptions options;
  options.max_connections = config.connections;
  options.max_body_bytes = std::max<uint64_t>(options.max_body_bytes, 2 * config.request_size.bytes);
  return options;
}

Task<void> serve(daemon::Runtime& runtime, http::Server& server, daemon::Incoming incoming, bool tls) {
  auto stream = std::make_unique<net::Stream>(incoming.fd, incoming.peer);
  auto header = co_await daemon::take_proxy_header(*stream, *incoming.listener, Deadline::after(seconds(10)));
  if (header) {
    auto certificates = tls ? runtime.tls() : nullptr;
    co_await server.serve(std::move(stream), std::move(certificates));
  } else {
    log::warn("proxy.refused", {{"remote", incoming.peer.to_string()}, {"err", header.error()}});
  }
  runtime.workers().drop_connection(incoming.worker);
}

}  // namespace

struct AdmindApp::Worker {
  Worker(daemon::Runtime& runtime, std::shared_ptr<directory::LoginState> logins)
      : services(runtime, std::move(logins)), server(router, server_options(runtime.config().admind)) {
    mount(router, services, runtime.config().admind.request_size.bytes);
    server.set_observer(observe);
  }
  Services services;
  http::Router router;
  http::Server server;
  TaskGroup connections;
  // On the first worker only.
  std::unique_ptr<jobs::LeasedRunner> upkeep;
};

AdmindApp::AdmindApp() = default;
AdmindApp::~AdmindApp() = default;

Task<std::unique_ptr<AdmindApp::Worker>> AdmindApp::make_worker(
    AdmindApp& app, std::shared_ptr<directory::LoginState> logins) {
  co_return std::make_unique<Worker>(*app.runtime_, std::move(logins));
}

void AdmindApp::accept(daemon::Incoming incoming, bool tls) {
  Worker& worker = *workers_[incoming.worker];
  worker.connections.spawn(serve(*runtime_, worker.server, std::move(incoming), tls));
}

Task<Result<void>> AdmindApp::start(daemon::Runtime& runtime) {
  runtime_ = &runtime;
  const auto& config = runtime.config().admind;
  if (!config.https.empty() && !runtime.tls())
    co_return fail(Errc::invalid_argument, "admind.listeners.https needs tls.certificates");
  auto logins = std::make_shared<directory::LoginState>();
  for (size_t i = 0; i < runtime.workers().count(); ++i) {
    auto worker = co_await runtime.on_worker(i, make_worker(*this, logins));
    workers_.push_back(std::move(worker));
  }
  // Worker 0 is this thread.
  Worker& first = *workers_[0];
  jobs::LeasedRunner::Options options;
  options.where = where_this_runs();
  options.run_limit = kUpkeepLimit;
  first.upkeep = std::make_unique<jobs::LeasedRunner>(first.services.pool, std::move(options));
  add_upkeep(*first.upkeep, first.services);
  first.upkeep->start();
  for (auto& worker : workers_)
    worker->services.wake_job = [this](const std::string& name) {
      runtime_->workers().reactor(0).post([this, name] {
        if (!workers_.empty() && workers_[0]) workers_[0]->upkeep->wake(name);
      });
    };
  first.services.background.spawn(watch_locks(first.services, first.services.background.token()));
  runtime.watch_database(first.services.pool);
  CO_TRY_VOID(
      runtime.listen("http", config.http, [this](daemon::Incoming in) { accept(std::move(in), false); }));
  CO_TRY_VOID(
      runtime.listen("https", config.https, [this](daemon::Incoming in) { accept(std::move(in), true); }));
  co_return Result<void>{};
}

Task<void> AdmindApp::end_worker(std::unique_ptr<Worker> worker, Deadline deadline) {
  co_await worker->server.drain(deadline);
  co_await worker->connections.close();
  if (worker->upkeep) co_await worker->upkeep->close();
  co_await worker->services.close();
  worker.reset();
}

Task<void> AdmindApp::drain(Deadline deadline) {
  for (size_t i = 0; i < workers_.size(); ++i)
    co_await runtime_->on_worker(i, end_worker(std::move(workers_[i]), deadline));
  workers_.clear();
}

}  // namespace dromos::admind
