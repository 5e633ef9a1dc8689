#include "imapd/app/session_host.h"

#include "common/log/log.h"
#include "common/metrics/metrics.h"
#include "imapd/pop3/session.h"
#include "imapd/session/connection.h"

namespace dromos::imapd {
namespace {

constexpr std::string_view kImapFull = "* BYE [UNAVAILABLE] Too many connections\r\n";
constexpr std::string_view kPop3Full = "-ERR [SYS/TEMP] Too many connections\r\n";

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

void SessionHost::accept(daemon::Incoming incoming, Protocol protocol, bool implicit_tls) {
  group_.spawn(serve(std::move(incoming), protocol, implicit_tls));
}

std::unique_ptr<HostedSession> SessionHost::make(Protocol protocol, std::unique_ptr<net::Stream> stream) {
  if (protocol == Protocol::pop3) return std::make_unique<pop3::Session>(worker_, std::move(stream));
  return std::make_unique<Connection>(worker_, std::move(stream));
}

Task<void> SessionHost::serve(daemon::Incoming incoming, Protocol protocol, bool implicit_tls) {
  static metrics::Gauge& imap = metrics::gauge("dromos_imapd_sessions_connections", "Connections now.");
  static metrics::Gauge& pop = metrics::gauge("dromos_imapd_pop3_connections", "POP3 connections now.");
  static metrics::Counter& refused =
      metrics::counter("dromos_imapd_refused_connections_total", "Connections past a limit.");
  const size_t index = incoming.worker;
  auto stream = std::make_unique<net::Stream>(incoming.fd, incoming.peer);
  const auto proxied =
      co_await daemon::take_proxy_header(*stream, *incoming.listener, Deadline::after(seconds(10)));
  if (proxied) {
    Shares shares(*worker_.options.limits, stream->peer().ip());
    const bool room = runtime_.workers().connections() <= worker_.options.connections;
    if (!room || !shares.taken()) {
      refused.add();
      if (!implicit_tls) stream->write(protocol == Protocol::pop3 ? kPop3Full : kImapFull);
      (void)co_await stream->flush(Deadline::after(seconds(1)));
    } else {
      const metrics::Held held(protocol == Protocol::pop3 ? pop : imap);
      const auto session = make(protocol, std::move(stream));
      const auto place = sessions_.insert(sessions_.end(), session.get());
      log::debug("session.start", {{"trace", session->trace()},
                                   {"remote", session->stream().peer().to_string()},
                                   {"worker", static_cast<int64_t>(index)}});
      co_await session->run(implicit_tls);
      sessions_.erase(place);
      if (session->counted()) shares.owe(session->account());
      log::info("session.end", {{"trace", session->trace()},
                                {"protocol", session->info().protocol},
                                {"account", session->account()},
                                {"remote", session->stream().peer().to_string()},
                                {"in", session->stream().bytes_in()},
                                {"out", session->stream().bytes_out()}});
    }
  } else {
    log::warn("session.proxy_refused", {{"err", proxied.error()}});
  }
  runtime_.workers().drop_connection(index);
}

std::vector<SessionInfo> SessionHost::list(AccountId account) const {
  std::vector<SessionInfo> out;
  for (const HostedSession* session : sessions_)
    if (!account || session->account() == account) out.push_back(session->info());
  return out;
}

int32_t SessionHost::end(AccountId account, const std::string& id) {
  int32_t count = 0;
  for (HostedSession* session : sessions_) {
    const bool wanted = id.empty() ? session->account() == account : to_text(session->trace()) == id;
    if (!wanted || session->ending()) continue;
    session->end();
    ++count;
  }
  return count;
}

Task<void> SessionHost::cut_at(Deadline deadline) {
  co_await group_.join(deadline);
  for (HostedSession* session : sessions_) session->stream().cancel();
}

void SessionHost::end_all() {
  for (HostedSession* session : sessions_) session->end();
}

Task<void> SessionHost::drain(Deadline deadline) {
  end_all();
  co_await cut_at(deadline);
  co_await group_.join();
  co_await worker_.close();
}

}  // namespace dromos::imapd
