// Hints between daemons (dromos.events.v1): "account N is at modseq M now". Publisher on the side that
// writes, Subscriber on the side that keeps sessions. Hints may be lost; the changelog is the truth (DESIGN:
// life of a message, 6).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/async/task_group.h"
#include "common/base/ids.h"
#include "common/rpc/client.h"
#include "common/rpc/server.h"

namespace dromos::rpc {

struct Hint {
  AccountId account;
  int64_t modseq = 0;
};

/// Gathers hints per subscriber (latest modseq of each account) and sends them when the stream is free.
class HintPublisher {
 public:
  /// Registers Events/Subscribe. The server must live as long.
  explicit HintPublisher(Server& server);
  ~HintPublisher();
  /// Thread-safe: other reactors post.
  void publish(std::vector<Hint> hints);
  void publish_epoch(int64_t config_epoch);
  size_t subscribers() const { return queues_.size(); }

 private:
  struct Queue;
  Task<Result<void>> serve(CallInfo info, StreamSink sink);
  void add(const std::vector<Hint>& hints, int64_t epoch);

  Reactor& reactor_;
  std::vector<Queue*> queues_;
};

/// Keeps a subscription to each peer, reconnecting with jitter. Callbacks run on the reactor that made it.
class HintSubscriber {
 public:
  struct Callbacks {
    std::function<void(const std::vector<Hint>&)> changed;
    std::function<void(int64_t config_epoch)> epoch;
    /// A subscription was (re)established: anything may have been missed, re-read what is watched.
    std::function<void(const std::string& peer)> resync;
  };
  HintSubscriber(std::string self, Callbacks callbacks);
  /// `target` as in Client::Options.
  void watch(std::string peer, Client::Options options);
  Task<void> close() { return group_.close(); }

 private:
  Task<void> run(std::string peer, std::unique_ptr<Client> client);
  std::string self_;
  Callbacks callbacks_;
  TaskGroup group_;
};

}  // namespace dromos::rpc
