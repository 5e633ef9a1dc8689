#include "common/daemon/runtime.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/http/ops_endpoint.h"
#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "common/net/proxy_protocol.h"

namespace dromos::daemon {
namespace {

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

/// Under systemd each daemon runs as dromos_<daemon>.
std::string daemon_of_uid(uid_t uid) {
  constexpr std::string_view kPrefix = "dromos_";
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  const std::string_view name = found->pw_name;
  return name.starts_with(kPrefix) ? std::string(name.substr(kPrefix.size())) : std::string();
}

}  // namespace

Runtime::Runtime(config::Config config, config::Daemon kind) : config_(std::move(config)), kind_(kind) {
  workers_ = std::make_unique<Workers>(Reactor::current(), config::worker_count(config_, kind_));
  rpc::Server::Options options;
  options.unix_path = config::rpc_socket(config_, kind_);
  if (!config_.rpc.tcp_host.empty()) {
    options.tcp_address = config_.rpc.tcp_host + ":" + std::to_string(config::rpc_port(kind_));
    options.ca = config_.rpc.ca;
    options.certificate = config_.rpc.certificate;
    options.key = config_.rpc.key;
  }
  // The socket's folder decides who may reach it (0750, group dromos); each daemon has a uid of its own.
  options.daemon_of_uid = daemon_of_uid;
  rpc_ = std::make_unique<rpc::Server>(std::move(options));
  hints_ = std::make_unique<rpc::HintPublisher>(*rpc_);
}

Runtime::~Runtime() = default;

rpc::Client::Options Runtime::rpc_to(config::Daemon daemon) const {
  rpc::Client::Options options;
  options.target = config::rpc_target(config_, daemon);
  options.caller = config::to_string(kind_);
  if (!options.target.starts_with("unix:")) {
    options.ca = config_.rpc.ca;
    options.certificate = config_.rpc.certificate;
    options.key = config_.rpc.key;
  }
  return options;
}

std::shared_ptr<const net::TlsServer> Runtime::tls() const {
  const std::lock_guard lock(tls_mutex_);
  return tls_;
}

std::shared_ptr<const net::TlsServer> Runtime::tls_for_people() const {
  const std::lock_guard lock(tls_mutex_);
  return tls_for_people_;
}

Result<void> Runtime::load_tls() {
  if (config_.tls.certificates.empty()) return {};
  net::TlsServer::Options options;
  for (const auto& pair : config_.tls.certificates)
    options.certificates.push_back({pair.certificate, pair.key});
  if (kind_ == config::Daemon::jmapd || kind_ == config::Daemon::admind) options.alpn = {"http/1.1"};
  if (kind_ == config::Daemon::mta) options.tickets = 0;
  TRY(auto loaded, net::TlsServer::load(options));
  auto for_people = loaded;
  if (kind_ == config::Daemon::imapd || kind_ == config::Daemon::mta) {
    options.client_ca = config_.tls.client_ca;
    if (!options.client_ca.empty()) {
      TRY(auto asking, net::TlsServer::load(options));
      for_people = std::move(asking);
    }
  }
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(loaded);
  tls_for_people_ = std::move(for_people);
  return {};
}

Result<void> Runtime::listen(const std::string& name, const std::vector<config::Listener>& listeners,
                             ConnectionHandler handler) {
  const auto inherited = net::inherited_sockets(name);
  if (!inherited.empty()) {
    const auto settings =
        std::make_shared<const config::Listener>(listeners.empty() ? config::Listener{} : listeners.front());
    for (const int fd : inherited) {
      TRY(auto listener, net::Listener::adopt(fd));
      bound_.push_back({name, std::move(listener), settings, handler});
    }
    return {};
  }
  for (const auto& settings : listeners) {
    TRY(const auto address, net::Address::parse(settings.address.to_string()));
    TRY(auto listener, net::Listener::bind(address));
    bound_.push_back(
        {name, std::move(listener), std::make_shared<const config::Listener>(settings), handler});
  }
  return {};
}

std::vector<net::Address> Runtime::addresses(const std::string& name) const {
  std::vector<net::Address> list;
  for (const Bound& bound : bound_)
    if (bound.name == name) list.push_back(bound.listener->address());
  return list;
}

void Runtime::start_accepting() {
  for (auto& bound : bound_) {
    log::info("listener.open", {{"name", bound.name}, {"address", bound.listener->address().to_string()}});
    const auto accept = [this, &bound](int fd, net::Address peer) {
      const size_t worker = workers_->least_loaded();
      workers_->add_connection(worker);
      Incoming incoming{worker, fd, peer, bound.config};
      if (worker == 0) return bound.handler(std::move(incoming));
      workers_->reactor(worker).post([&handler = bound.handler, incoming] { handler(incoming); });
    };
    accepting_.spawn(bound.listener->accept_loop(accept, accepting_.token()));
  }
}

void Runtime::watch_database(db::Pool& pool) {
  add_readiness([&pool]() -> std::string {
    if (pool.healthy()) return "";
    return pool.problem().empty() ? "the database does not answer" : pool.problem();
  });
  watching_.spawn(keep_connected(&pool, watching_.token()));
}

// The first round fails early in the log; later ones notice a restart, and that all is well again, without
// anybody's request.
Task<void> Runtime::keep_connected(db::Pool* pool, CancelToken token) {
  while (!token.cancelled()) {
    co_await pool->check(Deadline::after(seconds(2)));
    co_await sleep_for(pool->healthy() ? seconds(5) : seconds(1), token);
  }
}

Result<void> Runtime::open_ops() {
  http::OpsCallbacks callbacks;
  callbacks.metrics = [] { return metrics::Registry::global().expose(); };
  callbacks.ready = [this]() -> std::string {
    if (draining_) return "draining";
    for (const auto& check : readiness_)
      if (std::string why = check(); !why.empty()) return why;
    return "";
  };
  http::mount_ops(ops_router_, std::move(callbacks));
  http::ServerOptions options;
  options.max_connections = 100;
  ops_ = std::make_unique<http::Server>(ops_router_, options);
  config::Listener listener;
  listener.address = config_.common(kind_).metrics;
  return listen("metrics", {listener}, [this](Incoming incoming) {
    // On any worker; the ops server is of the main reactor.
    workers_->drop_connection(incoming.worker);
    workers_->reactor(0).post([this, incoming] {
      ops_tasks_.spawn(ops_->serve(std::make_unique<net::Stream>(incoming.fd, incoming.peer)));
    });
  });
}

std::string Runtime::ports_json() const {
  std::map<std::string, std::string> lists;
  for (const auto& bound : bound_) {
    std::string& list = lists[bound.name];
    if (!list.empty()) list += ',';
    list += quoted(bound.listener->address().to_string());
  }
  lists["rpc"] = quoted("unix:" + config::rpc_socket(config_, kind_));
  std::string out;
  for (const auto& [name, list] : lists) out += (out.empty() ? "" : ",") + quoted(name) + ":[" + list + "]";
  return "{\"daemon\":" + quoted(std::string(config::to_string(kind_))) +
         ",\"pid\":" + std::to_string(::getpid()) + ",\"listeners\":{" + out + "}}\n";
}

Task<Result<void>> take_proxy_header(net::Stream& stream, const config::Listener& listener,
                                     Deadline deadline) {
  if (!listener.proxy_protocol) co_return Result<void>{};
  const auto& trusted = listener.proxy_trusted;
  if (std::none_of(trusted.begin(), trusted.end(),
                   [&](const auto& prefix) { return stream.peer().in_prefix(prefix); }))
    co_return fail(Errc::permission_denied, stream.peer().ip() + " is not in proxy_trusted of this listener");
  while (true) {
    CO_TRY(const auto header, net::parse_proxy_header(stream.buffered()));
    if (header) {
      stream.consume(header->length);
      if (header->source) stream.set_peer(*header->source);
      co_return Result<void>{};
    }
    CO_TRY(const size_t got, co_await stream.fill(deadline));
    if (got == 0) co_return fail(Errc::closed, "connection closed before its PROXY header");
  }
}

}  // namespace dromos::daemon
