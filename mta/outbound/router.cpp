#include "mta/outbound/router.h"

#include <algorithm>

#include "common/base/strings.h"

namespace dromos::mta {

using Answer = std::variant<Route, SendVerdict>;

namespace {

/// DNS that may answer later is 4.4.3 (RFC 3463 §3.5); a name that can be no domain is the address's fault.
SendVerdict dns_verdict(const std::string& name, const Error& error) {
  if (error.is(dns::Errc::bad_name)) return own_verdict("5.1.2", "Bad domain name " + name);
  return own_verdict("4.4.3", "DNS lookup of " + name + " failed: " + error.message());
}

}  // namespace

bool Router::is_own_name(const std::string& host) const {
  return iequals(host, options_.hostname);
}

Task<Answer> Router::route(std::string transport, std::string domain, Deadline deadline) {
  if (transport == "relay") co_return co_await to_relay(deadline);
  if (transport == "lmtp") co_return co_await to_lmtp(deadline);
  if (domain.starts_with('[')) co_return to_literal(domain);
  co_return co_await by_mx(std::move(domain), deadline);
}

Answer Router::to_literal(const std::string& domain) const {
  std::string ip = domain.ends_with(']') ? domain.substr(1, domain.size() - 2) : std::string();
  if (istarts_with(ip, "IPv6:")) ip = ip.substr(5);
  const auto address = net::Address::from_ip(ip, options_.port);
  if (!address) return own_verdict("5.1.2", "Bad address literal " + domain);
  if (own_.contains(address->to_string()))
    return own_verdict("5.4.6", "Mail for " + domain + " loops back to us");
  Route route;
  route.hops.push_back({domain, *address, options_.tls});
  return route;
}

Task<Result<size_t>> Router::add_host(Route& route, std::string host, uint16_t port, Deadline deadline) {
  auto found = co_await resolver_.addresses(host, deadline);
  if (!found) co_return Unexpected(std::move(found).error());
  // IPv6 and IPv4 by turns, so that a broken network of one kind costs one connection and not all tries.
  std::vector<dns::IpAddress> v6, v4, ordered;
  for (const dns::IpAddress& ip : found->addresses) (ip.v6 ? v6 : v4).push_back(ip);
  for (size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    if (i < v6.size()) ordered.push_back(v6[i]);
    if (i < v4.size()) ordered.push_back(v4[i]);
  }
  size_t added = 0;
  for (const dns::IpAddress& ip : ordered) {
    const auto address = net::Address::from_ip(ip.text, port);
    if (!address || route.hops.size() >= kMaxHops) continue;
    route.hops.push_back({host, *address, options_.tls});
    ++added;
  }
  co_return added;
}

Task<Answer> Router::to_host(std::string what, std::string host, uint16_t port, Hop like, Deadline deadline) {
  Route route;
  like.name = host;
  if (const auto address = net::Address::from_ip(host, port)) {
    like.address = *address;
    route.hops.push_back(std::move(like));
    co_return route;
  }
  const auto added = co_await add_host(route, host, port, deadline);
  // A host without address is a fault of our configuration, not of the mail: never permanent.
  if (!added)
    co_return own_verdict("4.4.3",
                          "DNS lookup of " + what + " " + host + " failed: " + added.error().message());
  if (*added == 0) co_return own_verdict("4.3.5", what + " " + host + " has no address");
  for (Hop& hop : route.hops) {
    like.address = hop.address;
    hop = like;
  }
  co_return route;
}

Task<Answer> Router::to_relay(Deadline deadline) {
  if (!options_.relay) co_return own_verdict("4.3.5", "No relay is configured (mta.outbound.relay)");
  Hop like;
  like.tls = options_.relay->tls;
  like.relay = true;
  co_return co_await to_host("Relay", options_.relay->host, options_.relay->port, std::move(like), deadline);
}

Task<Answer> Router::to_lmtp(Deadline deadline) {
  if (!options_.lmtp) co_return own_verdict("4.3.5", "No LMTP host is configured (mta.outbound.lmtp)");
  Hop like;
  like.lmtp = true;
  if (!options_.lmtp->path.empty()) {
    like.name = "localhost";
    like.address = net::Address::unix_path(options_.lmtp->path);
    like.tls = TlsPolicy::none;
    Route route;
    route.hops.push_back(std::move(like));
    co_return route;
  }
  like.tls = TlsPolicy::opportunistic;
  co_return co_await to_host("LMTP host", options_.lmtp->host, options_.lmtp->port, std::move(like),
                             deadline);
}

Task<Answer> Router::by_mx(std::string domain, Deadline deadline) {
  auto answer = co_await resolver_.mx(domain, deadline);
  if (!answer) co_return dns_verdict(domain, answer.error());
  if (answer->null_mx) {
    SendVerdict verdict = own_verdict("5.1.10", "Domain " + domain + " takes no mail (null MX)");
    verdict.code = 556;  // RFC 7505 §5
    verdict.diagnostic.replace(0, 3, "556");
    co_return verdict;
  }
  if (answer->existence == dns::Existence::no_domain)
    co_return own_verdict("5.1.2", "Domain " + domain + " does not exist");

  std::vector<dns::MxHost> hosts = std::move(answer->hosts);  // by preference already
  Route route;
  std::optional<Error> trouble;
  bool loops = false;
  uint16_t own_preference = 0;
  if (hosts.size() > kMaxHosts) hosts.resize(kMaxHosts);
  for (const dns::MxHost& host : hosts)
    if (!loops && is_own_name(host.name)) {
      loops = true;
      own_preference = host.preference;
    }
  for (const dns::MxHost& host : hosts) {
    if (loops && host.preference >= own_preference) break;
    const size_t before = route.hops.size();
    auto added = co_await add_host(route, host.name, options_.port, deadline);
    if (!added) {
      if (!trouble) trouble = std::move(added).error();
      continue;
    }
    // An address at which we listen ourselves: this host and all not better than it are out (RFC 5321 §5.1).
    const bool own = std::any_of(route.hops.begin() + static_cast<ptrdiff_t>(before), route.hops.end(),
                                 [&](const Hop& hop) { return own_.contains(hop.address.to_string()); });
    if (own) {
      loops = true;
      std::erase_if(route.hops, [&](const Hop& hop) {
        return std::any_of(hosts.begin(), hosts.end(), [&](const dns::MxHost& other) {
          return other.name == hop.name && other.preference >= host.preference;
        });
      });
      break;
    }
  }
  if (!route.hops.empty()) co_return route;
  if (trouble) co_return dns_verdict(domain, *trouble);
  if (loops) co_return own_verdict("5.4.6", "Mail for " + domain + " loops back to us");
  if (answer->implicit) co_return own_verdict("5.1.2", "Domain " + domain + " has neither MX nor address");
  co_return own_verdict("5.4.4", "No mail host of " + domain + " has an address");
}

}  // namespace dromos::mta
