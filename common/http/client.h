// A small HTTP/1.1 client: one server, one connection kept alive, one request at a time.
// For health checks, dromosctl and tests; not a browser: no redirects, cookies or proxies.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/http/codec.h"
#include "common/http/message.h"
#include "common/net/stream.h"

namespace dromos::http {

struct ClientOptions {
  net::Address address;
  std::string host;                           // Host header, SNI and certificate name
  std::shared_ptr<const net::TlsClient> tls;  // none: plain
  uint64_t max_body = 64 * 1024 * 1024;
};

struct ClientRequest {
  Method method = Method::get;
  std::string target = "/";
  Headers headers;
  std::string body;
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

class Client {
 public:
  explicit Client(ClientOptions options);
  /// On a stream that is connected already.
  Client(ClientOptions options, std::unique_ptr<net::Stream> stream);

  /// Whole exchange. An idempotent request on a kept connection that the server closed meanwhile
  /// is sent again once.
  Task<Result<ClientResponse>> request(ClientRequest request, Deadline deadline);
  /// Sends and waits for the final head; the body follows by read(). For streams and event sources.
  Task<Result<ResponseHead>> open(ClientRequest request, Deadline deadline);
  /// Next piece of the body; empty at its end.
  Task<Result<std::string>> read(Deadline deadline);
  void close() { stream_.reset(); }

 private:
  Task<Result<void>> connect(Deadline deadline);
  Task<Result<ResponseHead>> exchange(const ClientRequest& request, Deadline deadline, bool& sent_on_kept);
  std::string encode(const ClientRequest& request) const;

  ClientOptions options_;
  std::unique_ptr<net::Stream> stream_;
  ResponseParser parser_;
  bool used_ = false;  // the connection has carried an exchange
  bool in_body_ = false;
};

/// For programs without a reactor of their own: runs one to the end of the exchange.
Result<ClientResponse> request_blocking(ClientOptions options, ClientRequest request, milliseconds timeout);

}  // namespace dromos::http
