// dromos.sessions.v1: who is connected, and ending them. The app says how to reach the sessions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/rpc/server.h"

namespace dromos::imapd {

struct SessionInfo {
  std::string id;
  AccountId account;
  std::string login;
  std::string remote;
  bool tls = false;
  std::string state;
  int64_t since_us = 0;
};

struct SessionsBackend {
  /// Sessions of an account; 0: all.
  std::function<Task<std::vector<SessionInfo>>(AccountId)> list;
  /// Ends all of an account, or the one with this id; how many there were.
  std::function<Task<int32_t>(AccountId, std::string id)> end;
};

void serve_sessions(rpc::Server& server, SessionsBackend backend);

}  // namespace dromos::imapd
