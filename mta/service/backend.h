// What a session asks of the rest of the daemon: recipients, logins, storage. The session knows no database;
// tests and the fuzz target give it a backend of their own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/async/task.h"
#include "common/directory/types.h"
#include "common/net/tls.h"
#include "common/smtp/command.h"
#include "common/smtp/reply.h"
#include "common/store/delivery.h"
#include "mta/service/spool.h"

namespace dromos::mta {

/// Which door a client came in by. `submission` is both 587 and 465.
enum class Kind { mx, submission, lmtp };
std::string_view to_string(Kind kind);

struct Peer {
  std::string ip;  ///< empty for a Unix socket
  std::string helo;
  bool esmtp = false;
  bool tls = false;
  std::string tls_version;
  std::string tls_cipher;
};

/// A recipient that got 250, and what it means.
struct AcceptedRecipient {
  smtp::RcptTo rcpt;
  std::vector<directory::Recipient> targets;
};

/// A transaction whose content is complete.
struct Envelope {
  Kind kind = Kind::mx;
  TraceId trace;
  Peer peer;
  smtp::MailFrom mail;
  std::vector<AcceptedRecipient> recipients;
  std::optional<directory::Identity> user;
};

class Backend {
 public:
  virtual ~Backend() = default;

  virtual Task<Result<directory::RecipientResolution>> resolve(std::string local, std::string domain) = 0;
  virtual Task<Result<bool>> may_send_as(AccountId account, std::string address) = 0;

  virtual Task<Result<directory::Identity>> check_password(std::string login, std::string password,
                                                           std::string remote) = 0;
  virtual Task<Result<directory::ScramLogin>> scram_login(std::string login, sasl::ScramHash hash,
                                                          std::string remote) = 0;
  /// The account that a client certificate, already checked, names.
  virtual Task<Result<directory::Identity>> certificate_login(std::string name) = 0;
  virtual Result<directory::Identity> scram_finished(const directory::ScramLogin& scram, bool proof_ok,
                                                     std::string_view login, std::string_view remote) = 0;

  /// nullptr: no certificates, so no STARTTLS. Submission asks clients for theirs (EXTERNAL); other servers
  /// that come to the mail exchanger may show what they like.
  virtual std::shared_ptr<const net::TlsServer> tls(Kind kind) = 0;
  virtual std::shared_ptr<Spool> new_spool() = 0;

  /// Scans, stores, answers: one reply, or with LMTP one for each recipient. A positive reply is durable.
  virtual Task<std::vector<smtp::Reply>> accept(Envelope envelope, std::shared_ptr<Spool> content) = 0;
  /// The story of what was refused; may be lost.
  virtual void refused(store::TraceEvent event) = 0;
};

}  // namespace dromos::mta
