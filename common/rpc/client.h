// rpc::Client: calls to one other daemon, awaited on the reactor. Connects lazily and reconnects by itself; a
// breaker fails calls at once while the peer is known to be down, so that no caller waits in vain; every call
// has a deadline.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/async/task_group.h"
#include "common/base/result.h"

namespace dromos::rpc {

class Client {
 public:
  struct Options {
    std::string target;                ///< "unix:/run/dromos/spamd.sock" or "dns:///mail2:7404"
    std::string caller;                ///< our own daemon's name
    std::string ca, certificate, key;  ///< PEM file names; set for TCP targets
    /// Consecutive failures to reach the peer that open the breaker, and how long it stays open before one
    /// call probes.
    int breaker_failures = 3;
    milliseconds breaker_open{2000};
  };
  explicit Client(Options options);
  ~Client();

  /// `method` is "/dromos.spam.v1.Spam/Scan".
  Task<Result<std::string>> call(std::string method, std::string request, Deadline deadline);

  template <class Response, class Request>
  Task<Result<Response>> call(std::string method, const Request& request, Deadline deadline) {
    return typed<Response>(std::move(method), request.SerializeAsString(), deadline);
  }

  /// Reads a server stream until it ends, `token` fires, or `on_message` returns false.
  Task<Result<void>> subscribe(std::string method, std::string request,
                               std::function<bool(std::string)> on_message, CancelToken token);

  bool breaker_is_open() const;

 private:
  template <class Response>
  Task<Result<Response>> typed(std::string method, std::string request, Deadline deadline) {
    CO_TRY(const std::string bytes, co_await call(std::move(method), std::move(request), deadline));
    Response response;
    if (!response.ParseFromString(bytes))
      co_return fail(Errc::internal, "the answer is not a valid " + response.GetTypeName());
    co_return response;
  }
  void note(const Result<std::string>& outcome);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dromos::rpc
