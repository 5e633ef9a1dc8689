// PushHub: the EventSource streams of one worker (RFC 8620 §7.3). A hint about an account makes it read the
// account's states once and tell every stream of it what changed; a slow poll finds what hints missed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/async/task_group.h"
#include "common/http/event_source.h"
#include "jmapd/service/services.h"

namespace dromos::jmapd {

class PushHub {
 public:
  explicit PushHub(Services& services) : services_(services) {}
  ~PushHub();

  struct Wish {
    std::set<std::string> types;  ///< empty: all
    bool close_after_state = false;
    uint64_t ping_seconds = 0;
    std::string last_event_id;
  };
  /// The 200 answer that carries the stream.
  Task<http::Response> subscribe(AccountId account, Wish wish);

  /// These accounts changed. Reactor thread only; nothing happens after close().
  void changed(const std::vector<AccountId>& accounts);
  /// Anything may have changed.
  void check_all();
  void start() { group_.spawn(poll(group_.token())); }
  Task<void> close();

 private:
  struct Stream {
    std::shared_ptr<http::EventSource> source;
    Wish wish;
    store::AccountStates told;
    std::unique_ptr<PerAccount::Held> held;
  };
  struct Watched {
    std::vector<Stream> streams;
    bool checking = false;
    bool again = false;
  };

  Task<void> check(AccountId account);
  Task<void> poll(CancelToken token);
  void tell(AccountId account, Watched& watched, const store::AccountStates& now);
  void sweep();

  Services& services_;
  std::map<AccountId, Watched> accounts_;
  TaskGroup group_;
  bool closed_ = false;
};

}  // namespace dromos::jmapd
