// rpc::Server: gRPC on one generic service; handlers are coroutines on the reactor, registered by method
// name. Wire-compatible with ordinary stubs; only this folder includes grpcpp.
//
// Unix sockets are accepted by us, so that the peer's uid says who calls before HTTP/2 begins; who may
// connect at all is the folder's mode. Each method names the daemons that may call it (metadata
// `dromos-caller`, and with TLS the certificate's name). grpc.health.v1.Health/Check is answered here.
// Everything runs on the reactor that made the server.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/task_group.h"
#include "common/base/result.h"

namespace dromos::rpc {

struct CallInfo {
  std::string method;
  std::string caller;  ///< "mta"
  Deadline deadline = Deadline::never();
  CancelToken cancelled;
};

/// Sends one message of a stream; an error means that the peer is gone.
using StreamSink = std::function<Task<Result<void>>(std::string)>;

using UnaryHandler = std::function<Task<Result<std::string>>(CallInfo, std::string request)>;
using StreamHandler = std::function<Task<Result<void>>(CallInfo, std::string request, StreamSink)>;

class Server {
 public:
  struct Options {
    std::string unix_path;
    /// Whose uid that is on this host ("mta"), whatever name its calls give; empty: nobody's in particular,
    /// and the calls' own word is taken.
    std::function<std::string(uid_t)> daemon_of_uid = [](uid_t) { return std::string(); };
    /// "10.0.0.5:7401"; needs ca, certificate and key (mutual TLS).
    std::string tcp_address;
    std::string ca, certificate, key;  ///< PEM file names
    size_t max_message = 80u << 20;
  };
  explicit Server(Options options);
  ~Server();

  /// `callers`: daemons that may call; "*" for all. Before start().
  void add(std::string method, std::vector<std::string> callers, UnaryHandler handler);
  void add_stream(std::string method, std::vector<std::string> callers, StreamHandler handler);
  Result<void> start();
  /// Lets running calls end for a second, then cancels them.
  Task<void> stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A handler over protobuf messages: unary<ScanRequest, ScanResponse>(fn) with fn(CallInfo, ScanRequest) ->
/// Task<Result<ScanResponse>>.
template <class Request, class Response, class F>
UnaryHandler unary(F fn) {
  struct Run {
    static Task<Result<std::string>> call(F f, CallInfo info, std::string bytes) {
      Request request;
      if (!request.ParseFromString(bytes))
        co_return fail(Errc::invalid_argument, "request is not a valid " + request.GetTypeName());
      Result<Response> response = co_await f(std::move(info), std::move(request));
      if (!response) co_return fail(std::move(response).error());
      co_return response->SerializeAsString();
    }
  };
  return [fn = std::move(fn)](CallInfo info, std::string bytes) {
    return Run::call(fn, std::move(info), std::move(bytes));
  };
}

}  // namespace dromos::rpc
