#include "common/http/server.h"

#include "common/base/assert.h"
#include "common/http/connection.h"

namespace dromos::http {

Server::Server(const Router& router, ServerOptions options) : router_(router), options_(options) {
  none_left_.set();
}

Server::~Server() {
  DROMOS_ASSERT(connections_ == 0);
}

Task<void> Server::serve(std::unique_ptr<net::Stream> stream, std::shared_ptr<const net::TlsServer> tls) {
  if (draining_ || connections_ >= options_.max_connections) {
    if (!tls) {
      stream->write(
          "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\nConnection: "
          "close\r\n\r\n");
      (void)co_await stream->flush(Deadline::after(milliseconds(100)));
    }
    co_return;
  }
  Connection connection(*this, std::move(stream));
  list_.push_back(connection);
  ++connections_;
  none_left_.reset();
  std::exception_ptr failure;
  try {
    co_await connection.run(std::move(tls));
  } catch (...) {
    failure = std::current_exception();
  }
  connection.unlink();
  if (--connections_ == 0) none_left_.set();
  if (failure) std::rethrow_exception(failure);
}

Task<void> Server::drain(Deadline deadline) {
  draining_ = true;
  const auto for_all = [this](auto&& action) {
    IntrusiveList<Connection, ConnectionTag> seen;
    while (Connection* connection = list_.pop_front()) {
      seen.push_back(*connection);
      action(*connection);
    }
    while (Connection* connection = seen.pop_front()) list_.push_back(*connection);
  };
  for_all([](Connection& connection) { connection.drain(); });
  const Wake wake = co_await none_left_.wait(deadline);
  if (wake == Wake::ready) co_return;
  for_all([](Connection& connection) { connection.cut(); });
  co_await none_left_.wait();
}

}  // namespace dromos::http
