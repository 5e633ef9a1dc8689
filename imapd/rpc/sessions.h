// dromos.sessions.v1: who is connected, and ending them. The app says how to reach the sessions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/rpc/server.h"
#include "imapd/session/hosted_session.h"

namespace dromos::imapd {

struct SessionsBackend {
  /// Sessions of an account; 0: all.
  std::function<Task<std::vector<SessionInfo>>(AccountId)> list;
  /// Ends all of an account, or the one with this id; how many there were.
  std::function<Task<int32_t>(AccountId, std::string id)> end;
};

void serve_sessions(rpc::Server& server, SessionsBackend backend);

}  // namespace dromos::imapd
