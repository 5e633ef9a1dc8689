// Worker: all of mta that belongs to one reactor: database pool, directory, group commit, scanner, and the
// sessions that live there. What the process shares is in Shared and thread-safe.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "common/daemon/runtime.h"
#include "common/directory/login_state.h"
#include "mta/service/acceptor.h"
#include "mta/service/connections.h"
#include "mta/service/trace_log.h"
#include "mta/session/session.h"

namespace dromos::mta {

struct Shared {
  explicit Shared(daemon::Runtime& runtime);

  daemon::Runtime& runtime;
  const config::Mta& config;
  const std::string hostname;
  ByteBudget budget;
  ConnectionTable connections;
  std::shared_ptr<directory::LoginState> logins;
  /// Group commit of all workers, at home on the main reactor.
  db::Pool commit_pool;
  store::GroupCommit commit;
  /// Set before sessions begin.
  Acceptor::Hooks hooks;
};

struct Door {
  Kind kind;
  bool implicit_tls;
};

class Worker final : public Backend {
 public:
  /// On the thread of its reactor, where it also ends.
  explicit Worker(Shared& shared);
  ~Worker() override;

  void serve(daemon::Incoming incoming, Door door);
  /// 421 to idle sessions.
  void begin_drain() { drain_.set(); }
  /// Messages under way may finish until `deadline`.
  Task<void> drain(Deadline deadline);

  db::Pool& pool() { return pool_; }
  directory::Directory& directory() { return directory_; }
  store::Deliverer& deliverer() { return deliverer_; }

  Task<Result<directory::RecipientResolution>> resolve(std::string local, std::string domain) override;
  Task<Result<bool>> may_send_as(AccountId account, std::string address) override;
  Task<Result<directory::Identity>> check_password(std::string login, std::string password,
                                                   std::string remote) override;
  Task<Result<directory::ScramLogin>> scram_login(std::string login, sasl::ScramHash hash,
                                                  std::string remote) override;
  Task<Result<directory::Identity>> certificate_login(std::string name) override;
  Result<directory::Identity> scram_finished(const directory::ScramLogin& scram, bool proof_ok,
                                             std::string_view login, std::string_view remote) override;
  std::shared_ptr<const net::TlsServer> tls(Kind kind) override;
  std::shared_ptr<Spool> new_spool() override;
  Task<std::vector<smtp::Reply>> accept(Envelope envelope, std::shared_ptr<Spool> content) override;
  void refused(store::TraceEvent event) override { trace_log_.add(std::move(event)); }

 private:
  Task<void> session(daemon::Incoming incoming, Door door);
  Task<void> converse(net::Stream& stream, const daemon::Incoming& incoming, Door door);
  Task<void> keep_connected(CancelToken token);

  Shared& shared_;
  db::Pool pool_;
  directory::Directory directory_;
  std::unique_ptr<store::BlobStore> blobs_;
  store::Deliverer deliverer_;
  Scanner scanner_;
  Acceptor acceptor_;
  TraceLog trace_log_;
  Event drain_;
  std::unordered_set<net::Stream*> streams_;
  TaskGroup sessions_;
  TaskGroup background_;
};

}  // namespace dromos::mta
