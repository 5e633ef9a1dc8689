// Connections: opens SMTP connections to hops, keeps idle ones for the next message to the same destination,
// and can break all of them (shutdown). One reactor.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>

#include "mta/outbound/router.h"
#include "mta/outbound/smtp_client.h"

namespace dromos::mta {

class Connections {
 public:
  /// Messages on one connection; some servers count.
  static constexpr size_t kMaxReuse = 50;

  explicit Connections(const QueueRunnerOptions& options, SmtpTimeouts timeouts = {});

  /// Dials and greets; when a TLS handshake fails under an opportunistic policy, again without TLS.
  Task<SmtpClient::Opened> open(const Hop& hop);
  /// An idle connection to `destination`, or nullptr.
  std::unique_ptr<SmtpClient> take(const std::string& destination);
  /// Keeps a usable connection for a while, or ends it politely.
  Task<void> give_back(std::string destination, std::unique_ptr<SmtpClient> client);
  /// Ends connections that were idle too long; call about every second while idle() is not 0.
  Task<void> trim(bool all);
  size_t idle() const { return idle_.size(); }
  /// Ends what is being dialled, greeted or logged in to, and opens no more. Connections in use go on.
  void stop_opening();
  /// Ends every wait on every connection, now.
  void break_all();

 private:
  struct Idle {
    std::string destination;
    std::unique_ptr<SmtpClient> client;
    Deadline until;
  };
  SmtpClientOptions client_options(const Hop& hop, TlsPolicy tls) const;
  Task<SmtpClient::Opened> open_once(const Hop& hop, TlsPolicy tls);

  const QueueRunnerOptions& options_;
  const SmtpTimeouts timeouts_;
  std::shared_ptr<const net::TlsClient> unverified_;
  std::shared_ptr<const net::TlsClient> verified_;
  std::shared_ptr<const net::TlsClient> relay_tls_;
  std::deque<Idle> idle_;
  std::set<net::Stream*> open_;
  std::set<net::Stream*> opening_;  ///< of open_, those that no message was given to yet
  CancelSource no_more_;
};

}  // namespace dromos::mta
