#include "imapd/app/session_host.h"

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "imapd/session/connection.h"

namespace dromos::imapd {
namespace {

SessionInfo info_of(Connection& connection) {
  const Context& context = connection.context();
  SessionInfo info;
  info.id = to_text(context.trace);
  info.account = context.account();
  info.login = context.who.login;
  info.remote = connection.stream().peer().to_string();
  info.tls = connection.stream().is_tls();
  info.state = std::string(context.activity);
  if (context.selected) info.state += " in " + context.selected->name;
  info.since_us = context.since_us;
  return info;
}

/// Takes the address's share and gives both shares back.
class Shares {
 public:
  Shares(Limits& limits, std::string ip)
      : limits_(limits), ip_(std::move(ip)), taken_(limits.by_ip.take(ip_)) {}
  ~Shares() {
    if (taken_) limits_.by_ip.give_back(ip_);
    if (account_) limits_.by_account.give_back(account_);
  }
  Shares(const Shares&) = delete;
  Shares& operator=(const Shares&) = delete;
  bool taken() const { return taken_; }
  void owe(AccountId account) { account_ = account; }

 private:
  Limits& limits_;
  const std::string ip_;
  const bool taken_;
  AccountId account_;
};

}  // namespace

SessionHost::SessionHost(daemon::Runtime& runtime, Worker::Options options)
    : runtime_(runtime), worker_(std::move(options)) {}

SessionHost::~SessionHost() = default;

void SessionHost::accept(daemon::Incoming incoming, bool implicit_tls) {
  group_.spawn(serve(std::move(incoming), implicit_tls));
}

Task<void> SessionHost::serve(daemon::Incoming incoming, bool implicit_tls) {
  static metrics::Gauge& sessions = metrics::gauge("dromos_imapd_sessions_connections", "Connections now.");
  static metrics::Counter& refused =
      metrics::counter("dromos_imapd_refused_connections_total", "Connections past a limit.");
  const size_t index = incoming.worker;
  auto stream = std::make_unique<net::Stream>(incoming.fd, incoming.peer);
  const auto proxied =
      co_await daemon::take_proxy_header(*stream, *incoming.listener, Deadline::after(seconds(10)));
  if (proxied) {
    Shares shares(*worker_.options.limits, stream->peer().ip());
    const bool room = runtime_.workers().connections() <= worker_.config.limits.connections;
    if (!room || !shares.taken()) {
      refused.add();
      if (!implicit_tls) stream->write("* BYE [UNAVAILABLE] Too many connections\r\n");
      (void)co_await stream->flush(Deadline::after(seconds(1)));
    } else {
      const metrics::Held held(sessions);
      Connection connection(worker_, std::move(stream));
      const auto place = connections_.insert(connections_.end(), &connection);
      log::debug("session.start",
                 {{"trace", connection.context().trace}, {"remote", connection.stream().peer().to_string()}});
      co_await connection.run(implicit_tls);
      connections_.erase(place);
      const Context& context = connection.context();
      if (context.counted) shares.owe(context.account());
      log::info("session.end", {{"trace", context.trace},
                                {"account", context.account()},
                                {"remote", connection.stream().peer().to_string()},
                                {"in", connection.stream().bytes_in()},
                                {"out", connection.stream().bytes_out()}});
    }
  } else {
    log::warn("session.proxy_refused", {{"err", proxied.error()}});
  }
  runtime_.workers().drop_connection(index);
}

std::vector<SessionInfo> SessionHost::list(AccountId account) const {
  std::vector<SessionInfo> out;
  for (Connection* connection : connections_)
    if (!account || connection->context().account() == account) out.push_back(info_of(*connection));
  return out;
}

int32_t SessionHost::end(AccountId account, const std::string& id) {
  int32_t count = 0;
  for (Connection* connection : connections_) {
    Context& context = connection->context();
    const bool wanted = id.empty() ? context.account() == account : to_text(context.trace) == id;
    if (!wanted || context.ending) continue;
    context.end();
    ++count;
  }
  return count;
}

Task<void> SessionHost::cut_at(Deadline deadline) {
  co_await group_.join(deadline);
  for (Connection* connection : connections_) connection->stream().cancel();
}

Task<void> SessionHost::drain(Deadline deadline) {
  for (Connection* connection : connections_) connection->context().end();
  co_await cut_at(deadline);
  co_await group_.join();
  co_await worker_.close();
}

}  // namespace dromos::imapd
