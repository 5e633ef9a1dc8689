#include "jmapd/app/app.h"

#include <algorithm>

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "jmapd/http/routes.h"

namespace dromos::jmapd {
namespace {

constexpr milliseconds kProxyHeaderTime{5'000};

http::ServerOptions server_options(const config::JmapLimits& limits) {
  http::ServerOptions options;
  options.max_connections = limits.connections;
  options.write_time = milliseconds(60'000);
  return options;
}

db::Pool::Options pool_options(daemon::Runtime& runtime) {
  db::Pool::Options pool;
  pool.conninfo = runtime.conninfo();
  pool.by_index = true;
  // Group commit may hold a lane and the side connections.
  pool.max = std::max<size_t>(runtime.config().database.max_connections / runtime.workers().count(), 4);
  return pool;
}

void observe(const http::Exchange& exchange) {
  static metrics::Counter& requests =
      metrics::counter("dromos_jmapd_requests_total", "HTTP requests answered.");
  requests.add();
  if (exchange.status >= 500 || !exchange.error.empty())
    log::warn("http.failed", {{"trace", exchange.request.trace},
                              {"route", exchange.request.route},
                              {"code", exchange.status},
                              {"err", exchange.error},
                              {"ms", exchange.time}});
  else
    log::debug("http.request", {{"trace", exchange.request.trace},
                                {"route", exchange.request.route},
                                {"code", exchange.status},
                                {"ms", exchange.time}});
}

}  // namespace

struct JmapApp::Worker {
  Worker(Shared& shared, db::Pool::Options pool, std::unique_ptr<PushHub>& hub)
      : services(shared, std::move(pool)),
        router(make_router(services, *(hub = std::make_unique<PushHub>(services)))),
        server(router, server_options(shared.limits)) {
    server.set_observer(observe);
  }
  Services services;
  http::Router router;
  http::Server server;
  TaskGroup connections;
};

JmapApp::JmapApp() = default;
JmapApp::~JmapApp() = default;

Task<Result<void>> JmapApp::start(daemon::Runtime& runtime) {
  runtime_ = &runtime;
  const auto publish = [this](std::vector<store::Change> changes) {
    std::vector<rpc::Hint> hints;
    std::vector<AccountId> accounts;
    for (const store::Change& change : changes) {
      hints.push_back({change.account, change.modseq});
      if (change.account.value > 0) accounts.push_back(change.account);
    }
    runtime_->hints().publish(std::move(hints));
    if (!accounts.empty()) wake(std::move(accounts));
  };
  shared_ = std::make_unique<Shared>(runtime.config(), pool_options(runtime), publish);
  workers_.resize(runtime.workers().count());
  hubs_.resize(workers_.size());
  for (size_t i = 0; i < workers_.size(); ++i) co_await runtime.on_worker(i, start_worker(i));
  runtime.watch_database(workers_[0]->services.pool);
  watch_hints();
  const config::Jmapd& config = runtime.config().jmapd;
  CO_TRY_VOID(runtime.listen("http", config.http,
                             [this](daemon::Incoming incoming) { accept(std::move(incoming), false); }));
  if (!config.https.empty() && runtime.tls() == nullptr)
    co_return fail(Errc::invalid_argument, "jmapd.listeners.https needs tls.certificates");
  CO_TRY_VOID(runtime.listen("https", config.https,
                             [this](daemon::Incoming incoming) { accept(std::move(incoming), true); }));
  co_return Result<void>{};
}

Task<void> JmapApp::start_worker(size_t index) {
  workers_[index] = std::make_unique<Worker>(*shared_, pool_options(*runtime_), hubs_[index]);
  hubs_[index]->start();
  co_return;
}

void JmapApp::watch_hints() {
  rpc::HintSubscriber::Callbacks callbacks;
  callbacks.changed = [this](const std::vector<rpc::Hint>& hints) {
    std::vector<AccountId> accounts;
    for (const rpc::Hint& hint : hints) accounts.push_back(hint.account);
    if (!accounts.empty()) wake(std::move(accounts));
  };
  callbacks.epoch = [](int64_t) {};  // logins are checked against the store each time
  callbacks.resync = [this](const std::string&) { wake({}); };
  hints_ = std::make_unique<rpc::HintSubscriber>("jmapd", std::move(callbacks));
  for (const config::Daemon peer : {config::Daemon::mta, config::Daemon::imapd, config::Daemon::admind})
    hints_->watch(std::string(config::to_string(peer)), runtime_->rpc_to(peer));
}

void JmapApp::wake(std::vector<AccountId> accounts) {
  for (size_t i = 0; i < hubs_.size(); ++i)
    runtime_->workers().reactor(i).post([hub = hubs_[i].get(), accounts] {
      if (accounts.empty())
        hub->check_all();
      else
        hub->changed(accounts);
    });
}

void JmapApp::accept(daemon::Incoming incoming, bool tls) {
  Worker& worker = *workers_[incoming.worker];
  worker.connections.spawn(serve(worker, std::move(incoming), tls));
}

Task<void> JmapApp::serve(Worker& worker, daemon::Incoming incoming, bool tls) {
  auto stream = std::make_unique<net::Stream>(incoming.fd, incoming.peer);
  const auto proxied =
      co_await daemon::take_proxy_header(*stream, *incoming.listener, Deadline::after(kProxyHeaderTime));
  if (proxied)
    co_await worker.server.serve(std::move(stream), tls ? runtime_->tls() : nullptr);
  else
    log::info("connection.refused", {{"remote", incoming.peer.ip()}, {"err", proxied.error()}});
  runtime_->workers().drop_connection(incoming.worker);
}

Task<void> JmapApp::drain(Deadline deadline) {
  if (hints_) co_await hints_->close();
  for (size_t i = 0; i < workers_.size(); ++i)
    if (workers_[i]) co_await runtime_->on_worker(i, drain_worker(i, deadline));
  if (shared_) {
    co_await shared_->commit.close();
    co_await shared_->commit_pool.close();
  }
}

Task<void> JmapApp::drain_worker(size_t index, Deadline deadline) {
  Worker& worker = *workers_[index];
  co_await hubs_[index]->close();
  co_await worker.server.drain(deadline);
  co_await worker.connections.close();
  co_await worker.services.close();
  // Its parts belong to this thread.
  workers_[index].reset();
}

}  // namespace dromos::jmapd
