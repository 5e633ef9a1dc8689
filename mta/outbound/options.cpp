#include "mta/outbound/options.h"

#include "common/config/config.h"
#include "common/dns/unbound_resolver.h"
#include "common/net/address.h"

namespace dromos::mta {

QueueRunnerOptions queue_runner_options(const config::Config& config) {
  const config::MtaOutbound& outbound = config.mta.outbound;
  QueueRunnerOptions options;
  options.hostname = config.mta.hostname;
  if (outbound.relay) options.relay = Relay{outbound.relay->host, outbound.relay->port};
  options.port = outbound.port;
  options.concurrency = outbound.concurrency;
  options.concurrency_per_domain = outbound.concurrency_per_domain;
  options.lease = outbound.lease;
  options.connect_timeout = outbound.connect_timeout;
  options.retry.min = outbound.retry_min;
  options.retry.max = outbound.retry_max;
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
