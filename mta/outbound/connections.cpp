#include "mta/outbound/connections.h"

#include "common/log/log.h"
#include "common/net/dialer.h"
#include "mta/outbound/metrics.h"

namespace dromos::mta {
namespace {

std::shared_ptr<const net::TlsClient> load_client(bool verify, const std::string& ca_file = {}) {
  net::TlsClient::Options options;
  options.verify = verify;
  options.ca_file = ca_file;
  auto client = net::TlsClient::load(options);
  if (client) return *client;
  log::warn("tls.client_failed", {{"err", client.error()}});
  return nullptr;
}

}  // namespace

Connections::Connections(const QueueRunnerOptions& options, SmtpTimeouts timeouts)
    : options_(options), timeouts_(timeouts), unverified_(load_client(false)), verified_(load_client(true)) {
  const bool own_ca = options.relay && !options.relay->ca_file.empty();
  relay_tls_ = own_ca ? load_client(true, options.relay->ca_file) : verified_;
}

SmtpClientOptions Connections::client_options(const Hop& hop, TlsPolicy tls) const {
  SmtpClientOptions client;
  client.hostname = options_.hostname;
  client.remote_name = hop.name;
  client.tls = tls;
  client.lmtp = hop.lmtp;
  const bool verifies = tls == TlsPolicy::verified || tls == TlsPolicy::implicit;
  client.tls_client = !verifies ? unverified_ : hop.relay ? relay_tls_ : verified_;
  if (hop.relay && options_.relay) client.credentials = options_.relay->credentials;
  client.timeouts = timeouts_;
  return client;
}

Task<SmtpClient::Opened> Connections::open_once(const Hop& hop, TlsPolicy tls) {
  const std::string where = SmtpClient::shown(hop.name, hop.address);
  auto stream =
      co_await net::dial(hop.address, Deadline::after(options_.connect_timeout), {}, no_more_.token());
  if (!stream || no_more_.cancelled()) {
    SendVerdict verdict =
        stream ? own_verdict("4.3.2", "this server is shutting down") : verdict_of(stream.error());
    verdict.other_host = true;
    verdict.remote_name = hop.name;
    verdict.remote = where;
    co_return SmtpClient::Opened(SmtpClient::Failure{std::move(verdict)});
  }
  StreamWatch watch = [this](net::Stream& one, bool begins) {
    if (begins)
      open_.insert(&one);
    else
      open_.erase(&one);
  };
  net::Stream* const raw = stream->get();
  opening_.insert(raw);
  auto opened = co_await SmtpClient::open(std::move(*stream), client_options(hop, tls), std::move(watch));
  opening_.erase(raw);
  co_return opened;
}

Task<SmtpClient::Opened> Connections::open(const Hop& hop) {
  auto opened = co_await open_once(hop, hop.tls);
  const auto* failure = std::get_if<SmtpClient::Failure>(&opened);
  if (failure != nullptr && failure->tls_failed && hop.tls == TlsPolicy::opportunistic &&
      !no_more_.cancelled()) {
    log::info("tls.fallback", {{"remote", failure->verdict.remote}, {"reply", failure->verdict.diagnostic}});
    opened = co_await open_once(hop, TlsPolicy::none);
  }
  outbound_metrics::connections(std::holds_alternative<SmtpClient::Failure>(opened) ? "failed" : "opened")
      .add();
  co_return opened;
}

std::unique_ptr<SmtpClient> Connections::take(const std::string& destination) {
  for (auto at = idle_.begin(); at != idle_.end(); ++at)
    if (at->destination == destination && !at->until.passed()) {
      auto client = std::move(at->client);
      idle_.erase(at);
      outbound_metrics::connections("reused").add();
      return client;
    }
  return nullptr;
}

Task<void> Connections::give_back(std::string destination, std::unique_ptr<SmtpClient> client) {
  if (!client->usable()) co_return;
  if (!no_more_.cancelled() && idle_.size() < options_.max_idle && client->transactions() < kMaxReuse &&
      options_.idle_connection.count() > 0) {
    idle_.push_back({std::move(destination), std::move(client), Deadline::after(options_.idle_connection)});
    co_return;
  }
  co_await client->quit();
}

Task<void> Connections::trim(bool all) {
  std::deque<Idle> old;
  for (auto at = idle_.begin(); at != idle_.end();)
    if (all || at->until.passed()) {
      old.push_back(std::move(*at));
      at = idle_.erase(at);
    } else {
      ++at;
    }
  for (Idle& one : old) co_await one.client->quit();
}

void Connections::stop_opening() {
  no_more_.cancel();
  const std::set<net::Stream*> opening = opening_;
  for (net::Stream* stream : opening) stream->cancel();
}

void Connections::break_all() {
  stop_opening();
  for (net::Stream* stream : open_) stream->cancel();
}

}  // namespace dromos::mta
