#include "mta/app/worker.h"

#include <unistd.h>

#include "common/directory/errc.h"
#include "mta/service/metrics.h"

namespace dromos::mta {
namespace {

constexpr milliseconds kLookupTimeout{10'000};
/// With the throttle's longest delay.
constexpr milliseconds kLoginTimeout{45'000};
constexpr milliseconds kReconnect{2'000};
constexpr milliseconds kProxyTimeout{5'000};
constexpr milliseconds kRefusalTimeout{2'000};

std::string machine_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

db::Pool::Options pool_options(const daemon::Runtime& runtime) {
  db::Pool::Options options;
  options.conninfo = runtime.conninfo();
  options.max = runtime.config().database.max_connections;
  return options;
}

}  // namespace

Shared::Shared(daemon::Runtime& r)
    : runtime(r),
      config(r.config().mta),
      hostname(config.hostname.empty() ? machine_name() : config.hostname),
      budget(config.limits.in_flight.bytes),
      connections(config.limits.connections, config.limits.connections_per_ip),
      logins(std::make_shared<directory::LoginState>()),
      commit_pool(pool_options(r)),
      commit(commit_pool) {}

Worker::Worker(Shared& shared)
    : shared_(shared),
      pool_(pool_options(shared.runtime)),
      directory_(pool_, shared.logins),
      blobs_(store::make_blob_store(pool_, shared.runtime.config().store.folder)),
      deliverer_(pool_, *blobs_, shared.commit),
      scanner_(shared.runtime.rpc_to(config::Daemon::spamd), shared.config.spam.timeout),
      acceptor_(shared.config, shared.hostname, directory_, deliverer_, scanner_, shared.hooks),
      trace_log_(pool_) {
  background_.spawn(keep_connected(background_.token()));
}

Worker::~Worker() = default;

// So that the first message does not wait for a connection, and /readyz learns that the database is back.
Task<void> Worker::keep_connected(CancelToken token) {
  while (!token.cancelled()) {
    if (!pool_.healthy()) (void)co_await pool_.acquire(Deadline::after(kReconnect));
    co_await sleep_for(kReconnect, token);
  }
}

void Worker::serve(daemon::Incoming incoming, Door door) {
  sessions_.spawn(session(std::move(incoming), door));
}

Task<void> Worker::session(daemon::Incoming incoming, Door door) {
  const metrics::Held held(metrics::sessions());
  metrics::connections().add();
  net::Stream stream(incoming.fd, incoming.peer);
  streams_.insert(&stream);
  std::exception_ptr failure;
  try {
    co_await converse(stream, incoming, door);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    // The task group logs and counts it; the client hears that it may come back.
    stream.out().clear();
    if (!door.implicit_tls || stream.is_tls()) {
      stream.write("421 4.3.0 Internal error, please try later\r\n");
      (void)co_await stream.flush(Deadline::after(kRefusalTimeout));
    }
  }
  stream.close();
  streams_.erase(&stream);
  shared_.runtime.workers().drop_connection(incoming.worker);
  if (failure) std::rethrow_exception(failure);
}

Task<void> Worker::converse(net::Stream& stream, const daemon::Incoming& incoming, Door door) {
  const auto proxied =
      co_await daemon::take_proxy_header(stream, *incoming.listener, Deadline::after(kProxyTimeout));
  if (!proxied) {
    log::info("connection.refused", {{"remote", stream.peer().to_string()}, {"err", proxied.error()}});
    co_return;
  }
  const auto slot = shared_.connections.enter(stream.peer().is_unix() ? std::string() : stream.peer().ip());
  if (!slot) {
    metrics::connections_refused().add();
    if (!door.implicit_tls) {
      stream.write("421 4.7.0 Too many connections, please try later\r\n");
      (void)co_await stream.flush(Deadline::after(kRefusalTimeout));
    }
    co_return;
  }
  SessionSettings settings;
  settings.kind = door.kind;
  settings.implicit_tls = door.implicit_tls;
  settings.announce_plus = shared_.config.announce_plus;
  settings.hostname = shared_.hostname;
  settings.limits = shared_.config.limits;
  Session session(stream, *this, settings, drain_);
  co_await session.run();
}

Task<void> Worker::drain(Deadline deadline) {
  drain_.set();
  const Wake wake = co_await sessions_.join(deadline);
  if (wake != Wake::ready) {
    log::warn("sessions.cut", {{"count", streams_.size()}});
    for (net::Stream* stream : streams_) stream->cancel();
    co_await sessions_.join();
  }
  co_await background_.close();
  co_await acceptor_.close();
  co_await trace_log_.close();
  co_await deliverer_.close();
  co_await pool_.close();
}

Task<Result<directory::RecipientResolution>> Worker::resolve(std::string local, std::string domain) {
  return directory_.resolve(std::move(local), std::move(domain), Deadline::after(kLookupTimeout));
}

Task<Result<bool>> Worker::may_send_as(AccountId account, std::string address) {
  return directory_.may_send_as(account, std::move(address), Deadline::after(kLookupTimeout));
}

Task<Result<directory::Identity>> Worker::check_password(std::string login, std::string password,
                                                         std::string remote) {
  return directory_.authenticate(std::move(login), std::move(password), "smtp", std::move(remote),
                                 Deadline::after(kLoginTimeout));
}

Task<Result<directory::ScramLogin>> Worker::scram_login(std::string login, sasl::ScramHash hash,
                                                        std::string remote) {
  return directory_.scram_credentials(std::move(login), hash, std::move(remote),
                                      Deadline::after(kLoginTimeout));
}

Task<Result<directory::Identity>> Worker::certificate_login(std::string name) {
  return directory_.certificate_login(std::move(name), Deadline::after(kLookupTimeout));
}

Result<directory::Identity> Worker::scram_finished(const directory::ScramLogin& scram, bool proof_ok,
                                                   std::string_view login, std::string_view remote) {
  return directory_.scram_finished(scram, proof_ok, login, remote);
}

std::shared_ptr<const net::TlsServer> Worker::tls(Kind kind) {
  return kind == Kind::submission ? shared_.runtime.tls_for_people() : shared_.runtime.tls();
}

std::shared_ptr<Spool> Worker::new_spool() {
  return std::make_shared<Spool>(shared_.budget, shared_.config.limits.memory_message.bytes,
                                 shared_.config.temp_dir);
}

Task<std::vector<smtp::Reply>> Worker::accept(Envelope envelope, std::shared_ptr<Spool> content) {
  return acceptor_.accept(std::move(envelope), std::move(content));
}

}  // namespace dromos::mta
