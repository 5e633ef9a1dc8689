// Router: where mail for a domain goes: hosts in the order to be tried, or why there are none (RFC 5321 §5.1,
// null MX RFC 7505, address literals §4.1.3); or the relay, or the LMTP host. Reads DNS, nothing else.
//
// Hosts that are ourselves, and all hosts not better than we, are left out (§5.1: loops); if that leaves
// none, mail for the domain loops back to us, which is permanent (5.4.6).
#pragma once

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/async/task.h"
#include "common/dns/resolver.h"
#include "common/net/address.h"
#include "mta/outbound/options.h"
#include "mta/outbound/verdict.h"

namespace dromos::mta {

/// One address to connect to.
struct Hop {
  std::string name;  ///< of the host: SNI, logs; the address itself for literals
  net::Address address;
  TlsPolicy tls = TlsPolicy::opportunistic;
  bool lmtp = false;
  bool relay = false;  ///< ours: with credentials, and CA of its own
};

struct Route {
  std::vector<Hop> hops;  ///< not empty
};

class Router {
 public:
  /// Addresses tried at most; a domain with more is not served better by trying all.
  static constexpr size_t kMaxHops = 10;
  static constexpr size_t kMaxHosts = 20;

  /// `own_addresses` are where this daemon listens for mail ("192.0.2.1:25"); loops are also found by
  /// options.hostname.
  Router(dns::Resolver& resolver, const QueueRunnerOptions& options, std::set<std::string> own_addresses = {})
      : resolver_(resolver), options_(options), own_(std::move(own_addresses)) {}

  /// A route, or the verdict for all recipients at `domain` (A-labels or literal in brackets) by `transport`
  /// smtp, relay or lmtp.
  Task<std::variant<Route, SendVerdict>> route(std::string transport, std::string domain, Deadline deadline);

 private:
  /// The host that `like` describes; `what` is for words.
  Task<std::variant<Route, SendVerdict>> to_host(std::string what, std::string host, uint16_t port, Hop like,
                                                 Deadline deadline);
  Task<std::variant<Route, SendVerdict>> to_relay(Deadline deadline);
  Task<std::variant<Route, SendVerdict>> to_lmtp(Deadline deadline);
  Task<std::variant<Route, SendVerdict>> by_mx(std::string domain, Deadline deadline);
  std::variant<Route, SendVerdict> to_literal(const std::string& domain) const;
  bool is_own_name(const std::string& host) const;
  /// Appends the host's addresses; an error if DNS failed.
  Task<Result<size_t>> add_host(Route& route, std::string host, uint16_t port, Deadline deadline);

  dns::Resolver& resolver_;
  const QueueRunnerOptions& options_;
  std::set<std::string> own_;
};

}  // namespace dromos::mta
