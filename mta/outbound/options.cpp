#include "mta/outbound/options.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/config/config.h"
#include "common/dns/unbound_resolver.h"
#include "common/net/address.h"

namespace dromos::mta {

namespace {

TlsPolicy tls_of(const std::string& word) {
  if (word == "none") return TlsPolicy::none;
  if (word == "required") return TlsPolicy::required;
  if (word == "verified") return TlsPolicy::verified;
  return word == "implicit" ? TlsPolicy::implicit : TlsPolicy::opportunistic;
}

std::vector<std::string> lower(std::vector<std::string> domains) {
  for (std::string& domain : domains) domain = to_lower(domain);
  return domains;
}

Relay relay_of(const config::MtaRelay& config) {
  Relay relay;
  relay.host = config.host->host;
  relay.port = config.host->port;
  relay.tls = tls_of(config.tls);
  relay.ca_file = config.ca_file;
  if (!config.user.empty())
    relay.credentials = std::make_shared<Credentials>(Credentials{config.user, config.password.reveal()});
  relay.domains = lower(config.domains);
  return relay;
}

LmtpHost lmtp_of(const config::MtaLmtpHost& config) {
  return {config.path, config.host ? config.host->host : "", config.host ? config.host->port : uint16_t{0},
          lower(config.domains)};
}

bool holds(const std::vector<std::string>& domains, const std::string& domain) {
  return std::find(domains.begin(), domains.end(), domain) != domains.end();
}

}  // namespace

std::string transport_of(const QueueRunnerOptions& options, const std::string& transport,
                         const std::string& domain) {
  if (transport != "smtp") return transport;
  if (options.lmtp && holds(options.lmtp->domains, domain)) return "lmtp";
  if (options.relay && (options.relay->domains.empty() || holds(options.relay->domains, domain)))
    return "relay";
  return transport;
}

QueueRunnerOptions queue_runner_options(const config::Config& config) {
  const config::MtaOutbound& outbound = config.mta.outbound;
  QueueRunnerOptions options;
  options.hostname = config.mta.hostname;
  if (outbound.relay) options.relay = relay_of(*outbound.relay);
  if (outbound.lmtp) options.lmtp = lmtp_of(*outbound.lmtp);
  options.port = outbound.port;
  options.concurrency = outbound.concurrency;
  options.concurrency_per_domain = outbound.concurrency_per_domain;
  options.lease = outbound.lease;
  options.connect_timeout = outbound.connect_timeout;
  options.idle_connection = outbound.idle_connection;
  options.max_idle = outbound.idle_connections;
  options.max_leased = outbound.max_leased;
  options.poll = outbound.poll;
  options.close_grace = outbound.close_grace;
  options.retry.min = outbound.retry_min;
  options.retry.max = outbound.retry_max;
  options.retry.warn_after = outbound.warn_after;
  options.expire_after = outbound.expire_after;
  return options;
}

Result<std::unique_ptr<dns::Resolver>> make_resolver(const config::Config& config) {
  dns::UnboundOptions options;
  options.trust_anchor_file = config.dns.trust_anchor_file;
  for (const config::SocketAddress& forwarder : config.dns.forwarders) {
    options.forwarders.push_back(forwarder.host + "@" + std::to_string(forwarder.port));
    TRY(const net::Address address, net::Address::from_ip(forwarder.host, forwarder.port));
    if (address.is_loopback()) options.allow_loopback = true;
    // Not the port of DNS: a server of tests. It also knows the zone that resolvers keep to themselves
    // (RFC 6761 §6.2), and signs nothing.
    if (address.is_loopback() && forwarder.port != 53) {
      options.ask_zones = {"test."};
      options.trust_anchor_file.clear();
    }
  }
  TRY(auto resolver, dns::UnboundResolver::create(options));
  return std::unique_ptr<dns::Resolver>(std::move(resolver));
}

}  // namespace dromos::mta
