// SessionHost: one worker thread's sessions: accepts, limits, counts, ends them. All calls on that thread.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "common/async/task_group.h"
#include "common/daemon/runtime.h"
#include "imapd/rpc/sessions.h"
#include "imapd/service/worker.h"

namespace dromos::imapd {

enum class Protocol : uint8_t { imap, pop3 };

class SessionHost {
 public:
  SessionHost(daemon::Runtime& runtime, Worker::Options options);
  ~SessionHost();

  void accept(daemon::Incoming incoming, Protocol protocol, bool implicit_tls);
  Worker& worker() { return worker_; }
  std::vector<SessionInfo> list(AccountId account) const;
  int32_t end(AccountId account, const std::string& id);
  /// Asks all sessions to take leave, and waits for nothing.
  void end_all();
  /// Lets commands end, says BYE, cuts what remains at the deadline, closes the worker.
  Task<void> drain(Deadline deadline);

 private:
  std::unique_ptr<HostedSession> make(Protocol protocol, std::unique_ptr<net::Stream> stream);
  Task<void> serve(daemon::Incoming incoming, Protocol protocol, bool implicit_tls);
  Task<void> cut_at(Deadline deadline);

  daemon::Runtime& runtime_;
  Worker worker_;
  std::list<HostedSession*> sessions_;
  TaskGroup group_;
};

}  // namespace dromos::imapd
