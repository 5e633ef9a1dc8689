// The service dromos.spam.v1.Spam: checks, calls engine and store, answers. Lives on the main reactor;
// scanning of large mail goes to the offload pool.
#pragma once

#include "common/async/task.h"
#include "common/base/result.h"
#include "common/rpc/server.h"
#include "spamd/service/engine.h"
#include "spamd/service/follower.h"
#include "spamd/store/model_store.h"

namespace dromos::spam::v1 {
class ExplainRequest;
class ExplainResponse;
class LearnRequest;
class LearnResponse;
class ScanRequest;
class ScanResponse;
}  // namespace dromos::spam::v1

namespace dromos::spamd {

class Handlers {
 public:
  /// Messages above this are scanned off the reactor.
  static constexpr size_t kInlineBytes = 32 * 1024;
  /// Scans off the reactor at once; more are refused as overload.
  static constexpr size_t kMaxOffloaded = 64;
  static constexpr size_t kDefaultTokens = 50;
  static constexpr size_t kMaxTokens = 1000;

  Handlers(Engine& engine, ModelStore& store, Follower& follower)
      : engine_(engine), store_(store), follower_(follower) {}

  /// Names the methods and who may call them. Before the server starts; this object must live as long.
  void add_to(rpc::Server& server);

  Task<Result<spam::v1::ScanResponse>> scan(rpc::CallInfo info, spam::v1::ScanRequest request);
  Task<Result<spam::v1::LearnResponse>> learn(rpc::CallInfo info, spam::v1::LearnRequest request);
  Task<Result<spam::v1::ExplainResponse>> explain(rpc::CallInfo info, spam::v1::ExplainRequest request);

 private:
  Task<Result<ScanResult>> judge(std::string raw, Envelope envelope);

  Engine& engine_;
  ModelStore& store_;
  Follower& follower_;
  size_t offloaded_ = 0;
};

}  // namespace dromos::spamd
