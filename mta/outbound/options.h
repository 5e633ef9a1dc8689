// Settings of the outbound side as plain values, from config (mta.outbound, mta.hostname, dns) or from a
// test.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/result.h"

namespace dromos::config {
struct Config;
}
namespace dromos::dns {
class Resolver;
}

namespace dromos::mta {

/// How sure we want to be of the next hop. DANE and MTA-STS will choose `required` or `verified` for a host.
enum class TlsPolicy {
  none,           ///< never STARTTLS
  opportunistic,  ///< if offered, without checking the certificate; plain if it fails (RFC 7435)
  required,       ///< or the host is not used
  verified,       ///< certificate for the host's name, or the host is not used
  implicit,       ///< as verified, with TLS from the first octet (RFC 8314)
};

/// What we log in with.
struct Credentials {
  std::string user;
  std::string password;
};

/// A smarthost.
struct Relay {
  std::string host;  ///< name or address
  uint16_t port = 25;
  TlsPolicy tls = TlsPolicy::opportunistic;
  std::string ca_file;  ///< for verified and implicit; empty: the system's
  std::shared_ptr<const Credentials> credentials;
  std::vector<std::string> domains;  ///< lower-case; empty: all mail goes there
};

/// Another mail store that takes finished deliveries.
struct LmtpHost {
  std::string path;  ///< of a Unix socket; else host and port
  std::string host;
  uint16_t port = 24;
  std::vector<std::string> domains;  ///< lower-case; empty: only rows of transport lmtp
};

struct RetryPolicy {
  milliseconds min{std::chrono::minutes(5)};
  milliseconds max{std::chrono::hours(4)};
  /// After this a delay warning is sent once, where NOTIFY allows.
  milliseconds warn_after{std::chrono::hours(4)};
};

struct QueueRunnerOptions {
  std::string hostname;  ///< in EHLO and DSNs; MX hosts of this name are ourselves
  std::optional<Relay> relay;
  std::optional<LmtpHost> lmtp;
  uint16_t port = 25;       ///< of MX hosts
  size_t concurrency = 50;  ///< transactions at once
  size_t concurrency_per_domain = 5;
  size_t max_leased = 1000;  ///< recipients in memory
  milliseconds poll{seconds(5)};
  milliseconds lease{std::chrono::minutes(5)};
  milliseconds connect_timeout{seconds(30)};
  milliseconds idle_connection{seconds(3)};  ///< kept for the next message to the same destination
  size_t max_idle = 20;                      ///< idle connections of all destinations
  milliseconds close_grace{seconds(10)};
  milliseconds expire_after{std::chrono::hours(120)};  ///< of reports that go into the queue
  RetryPolicy retry;
  TlsPolicy tls = TlsPolicy::opportunistic;
};

/// How a row travels: its own transport, or for `smtp` whatever the options say of its domain.
std::string transport_of(const QueueRunnerOptions& options, const std::string& transport,
                         const std::string& domain);

QueueRunnerOptions queue_runner_options(const config::Config& config);

/// The resolver that config.dns asks for, on the current reactor; one a process.
Result<std::unique_ptr<dns::Resolver>> make_resolver(const config::Config& config);

}  // namespace dromos::mta
