// HTTP/1.1 server on net::Stream: one coroutine a connection, requests one at a time (pipelined ones wait in
// the socket), every wait with a deadline. One Server per reactor; the Router may be shared by all.
//
// Slow clients: a head must be whole within `head_time` of its first byte, a body keeps a minimum rate, a
// response piece must be taken within `write_time`. Overload: connections, requests and body bytes in memory
// have budgets; beyond them 503 with Retry-After. An exception of a handler is 500, counted by the observer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/async/intrusive_list.h"
#include "common/async/sync.h"
#include "common/http/codec.h"
#include "common/http/router.h"
#include "common/net/stream.h"

namespace dromos::http {

struct ServerOptions {
  ParserLimits limits;
  milliseconds idle_time{60'000};  // between requests
  milliseconds head_time{10'000};
  milliseconds body_grace{20'000};  // of each read, and of the whole before the rate counts
  uint64_t body_bytes_per_second = 1024;
  milliseconds write_time{30'000};  // of each piece
  milliseconds tls_time{10'000};
  size_t max_requests = 1000;  // a connection
  size_t max_connections = 10'000;
  size_t max_active_requests = 1'000;
  uint64_t max_body_bytes = 256 * 1024 * 1024;  // gathered by read_all() of all requests together
  bool security_headers = true;
};

/// What the observer hears of each answer.
struct Exchange {
  const Request& request;
  int status;
  uint64_t bytes_out;
  microseconds time;
  std::string_view error;  // text of an exception or broken body
};

class Connection;
struct ConnectionTag;

class Server {
 public:
  using Observer = std::function<void(const Exchange&)>;

  Server(const Router& router, ServerOptions options);
  /// Asserts that no connection is open: drain() first.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void set_observer(Observer observer) { observer_ = std::move(observer); }
  /// Serves the connection to its end. With `tls` the handshake comes first.
  Task<void> serve(std::unique_ptr<net::Stream> stream, std::shared_ptr<const net::TlsServer> tls = {});
  /// Idle connections close now, endless streams end, others after their answer; at the deadline all are cut.
  Task<void> drain(Deadline deadline);

  size_t connections() const { return connections_; }
  size_t active_requests() const { return active_; }
  bool draining() const { return draining_; }

 private:
  friend class Connection;
  const Router& router_;
  const ServerOptions options_;
  Observer observer_;
  size_t connections_ = 0;
  size_t active_ = 0;
  uint64_t body_bytes_ = 0;
  bool draining_ = false;
  Event none_left_;
  IntrusiveList<Connection, ConnectionTag> list_;
};

}  // namespace dromos::http
