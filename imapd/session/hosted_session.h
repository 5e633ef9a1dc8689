// HostedSession: what the host of a worker's connections must know of one, whatever protocol it speaks.
#pragma once

#include <string>
#include <string_view>

#include "common/async/task.h"
#include "common/base/ids.h"
#include "common/net/stream.h"

namespace dromos::imapd {

struct SessionInfo {
  std::string id;
  AccountId account;
  std::string login;
  std::string remote;
  std::string protocol;  // imap, pop3
  bool tls = false;
  std::string state;
  int64_t since_us = 0;
};

class HostedSession {
 public:
  virtual ~HostedSession() = default;

  /// The whole life of the session. `implicit_tls`: the handshake comes first.
  virtual Task<void> run(bool implicit_tls) = 0;
  /// Asks it to take leave when its command is over.
  virtual void end() = 0;
  virtual bool ending() const = 0;
  virtual SessionInfo info() const = 0;
  virtual net::Stream& stream() = 0;
  virtual TraceId trace() const = 0;
  virtual AccountId account() const = 0;
  /// It holds a share of the account's limit.
  virtual bool counted() const = 0;
};

}  // namespace dromos::imapd
