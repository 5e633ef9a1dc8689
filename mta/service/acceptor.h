// Acceptor: from a complete message to its reply (DESIGN §2): scan, facts, plan, one commit, then 250.
//
// One rule for the reply: a temporary failure is 451 and nothing is stored; 550 or 552 only if every
// recipient refuses; otherwise it is stored and whoever refused goes into a DSN of the same commit. LMTP
// answers for each recipient on its own. A positive reply is returned only after the commit.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "common/directory/directory.h"
#include "common/store/deliverer.h"
#include "mta/service/notification.h"
#include "mta/service/plan.h"
#include "mta/service/scanner.h"

namespace dromos::mta {

class Acceptor {
 public:
  struct Hooks {
    /// After a commit; both must be callable from any reactor.
    std::function<void(std::vector<store::Change>)> changed;
    std::function<void()> queued;
  };
  Acceptor(const config::Mta& config, std::string hostname, directory::Directory& directory,
           store::Deliverer& deliverer, Scanner& scanner, Hooks hooks)
      : config_(config),
        hostname_(std::move(hostname)),
        directory_(directory),
        deliverer_(deliverer),
        scanner_(scanner),
        hooks_(std::move(hooks)) {}

  /// One reply, or with LMTP one for each recipient.
  Task<std::vector<smtp::Reply>> accept(Envelope envelope, std::shared_ptr<Spool> content);
  Task<void> close() { return background_.close(); }

 private:
  struct Unit;
  Task<PreparedMessage> prepare(const Envelope& envelope, std::shared_ptr<Spool> spool,
                                const Verdict& verdict);
  /// Stores for some recipients; `stored` collects accounts that have the message.
  Task<smtp::Reply> store(Unit unit);
  Task<Result<store::DeliveryResult>> commit(store::Delivery delivery, bool queues);
  Task<Result<Notification>> notification_for(const Unit& unit, const Plan& plan);
  Task<void> store_late(std::shared_ptr<const Envelope> envelope, PreparedMessage message, Verdict verdict);

  const config::Mta& config_;
  const std::string hostname_;
  directory::Directory& directory_;
  store::Deliverer& deliverer_;
  Scanner& scanner_;
  Hooks hooks_;
  TaskGroup background_;
};

}  // namespace dromos::mta
