#include "common/http/connection.h"

#include <sys/socket.h>

#include <algorithm>

#include "common/base/clock.h"
#include "common/http/conditional.h"
#include "common/http/problem.h"

namespace dromos::http {
namespace {

using Kind = ParseEvent::Kind;
using SteadyClock = std::chrono::steady_clock;

constexpr uint64_t kDiscardAfterAnswer = 64 * 1024;
constexpr size_t kLingerBytes = 512 * 1024;
constexpr milliseconds kLingerTime{2000};

}  // namespace

Connection::Connection(Server& server, std::unique_ptr<net::Stream> stream)
    : server_(server), stream_(std::move(stream)), parser_(server.options_.limits) {}

void Connection::drain() {
  if (idle_) stream_->cancel();
  if (source_ != nullptr && source_->endless()) source_->stop();
}

Task<void> Connection::run(std::shared_ptr<const net::TlsServer> tls) {
  if (tls) {
    const Result<void> secured =
        co_await stream_->start_tls_server(tls, Deadline::after(server_.options_.tls_time));
    if (!secured) co_return;
  }
  while (served_ < server_.options_.max_requests) {
    if (stream_->buffered().empty()) {
      if (server_.draining_) break;
      idle_ = true;
      const Wake wake = co_await stream_->wait_readable(Deadline::after(server_.options_.idle_time));
      idle_ = false;
      if (wake != Wake::ready) break;
    }
    const bool have_head = co_await read_head();
    if (!have_head) break;
    const bool go_on = co_await exchange();
    server_.body_bytes_ -= charged_;
    charged_ = 0;
    if (!go_on) break;
    ++served_;
    parser_.next();
  }
  stream_->close();
}

Task<bool> Connection::read_head() {
  const Deadline deadline = Deadline::after(server_.options_.head_time);
  started_ = SteadyClock::now();
  bytes_before_ = stream_->bytes_out();
  error_.clear();
  while (true) {
    const ParseEvent event = parser_.feed(stream_->buffered());
    stream_->consume(event.consumed);
    if (event.kind == Kind::head) {
      begin_body();
      co_return true;
    }
    if (event.kind == Kind::error) {
      co_await refuse(parser_.error().status, parser_.error().text);
      co_return false;
    }
    const Result<size_t> got = co_await stream_->fill(deadline);
    if (!got && got.error().is(Errc::timeout) && !parser_.idle())
      co_await refuse(408, "the request's header took too long");
    if (!got || *got == 0) co_return false;
  }
}

void Connection::make_request(Request& request) {
  RequestHead& head = parser_.head();
  request.method = head.method;
  request.target = std::move(head.target);
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.query_string = request.target.substr(question + 1);
  request.headers = std::move(head.headers);
  request.peer = stream_->peer();
  request.tls = stream_->is_tls();
  request.trace = TraceId::make();
  request.body = this;
}

Task<bool> Connection::exchange() {
  Request request;
  make_request(request);
  // Endless streams do not count: they wait, they do not work.
  ++server_.active_;
  Response response = co_await respond(request);
  if (body_status_ != 0) {
    response = problem(body_status_, error_);
    response.close = true;
  }
  const bool endless = response.source && response.source->endless();
  if (endless) --server_.active_;
  const bool sent = co_await send(request, response);
  if (!endless) --server_.active_;
  report(request, response.status);
  co_return sent;
}

void Connection::report(const Request& request, int status) {
  if (!server_.observer_) return;
  const auto time = std::chrono::duration_cast<microseconds>(SteadyClock::now() - started_);
  server_.observer_(Exchange{request, status, stream_->bytes_out() - bytes_before_, time, error_});
}

Task<Response> Connection::respond(Request& request) {
  Match match = server_.router_.match(request.method, request.target);
  if (match.route == nullptr) {
    Response response = match.status < 300 ? Response(match.status) : problem(match.status, {});
    if (!match.allow.empty()) response.headers.add("Allow", match.allow);
    co_return response;
  }
  const uint64_t limit = match.route->options.body_limit;
  parser_.set_body_limit(limit);
  if (parser_.head().content_length.value_or(0) > limit) {
    Response response = problem(413, "this resource takes at most " + std::to_string(limit) + " bytes");
    response.close = true;
    co_return response;
  }
  if (server_.active_ > server_.options_.max_active_requests)
    co_return problem(503, "too many requests at once");
  request.parameters = std::move(match.parameters);
  request.route = match.route->pattern;
  co_return co_await call(*match.route, request);
}

Task<Response> Connection::call(const Route& route, Request& request) {
  try {
    co_return co_await route.handler(request);
  } catch (const std::exception& error) {
    error_ = error.what();
  } catch (...) {
    error_ = "unknown exception";
  }
  co_return problem(500, {});
}

Task<bool> Connection::send(Request& request, Response& response) {
  drop_buffered_body();
  const RequestHead& head = parser_.head();
  // What is left of the body must be read before the next request; worth it only if it is little and on its
  // way.
  const bool short_rest =
      head.content_length.value_or(kDiscardAfterAnswer + 1) <= kDiscardAfterAnswer && !continue_due_;
  const bool last = response.close || server_.draining_ || served_ + 1 >= server_.options_.max_requests ||
                    (!body_done_ && !short_rest);
  ResponseFrame frame;
  frame.method = request.method;
  frame.version_minor = head.version_minor;
  frame.keep_alive = head.keep_alive && !last;
  frame.size = response.source ? response.source->size() : std::optional<uint64_t>(response.body.size());
  if (server_.options_.security_headers) add_security_headers(response.headers, request.tls);
  response.headers.set("X-Trace-Id", to_text(request.trace));
  write_head(stream_->out(), response, frame);
  bool sent = true;
  if (frame.send_body && response.source)
    sent = co_await send_source(*response.source, frame);
  else
    sent = co_await send_bytes(frame.send_body ? std::string_view(response.body) : std::string_view{});
  if (!sent) co_return false;
  while (!body_done_ && short_rest && frame.keep_alive && body_status_ == 0) {
    const Result<std::string_view> rest = co_await read();
    if (!rest) co_return false;
  }
  if (!frame.keep_alive && !body_done_) co_await linger();
  co_return frame.keep_alive;
}

Task<void> Connection::refuse(int status, std::string_view text) {
  Response response = problem(status, text);
  Request none;
  none.peer = stream_->peer();
  none.tls = stream_->is_tls();
  none.trace = TraceId::make();
  error_ = text;
  if (server_.options_.security_headers) add_security_headers(response.headers, none.tls);
  ResponseFrame frame;
  frame.keep_alive = false;
  frame.size = response.body.size();
  write_head(stream_->out(), response, frame);
  const bool sent = co_await send_bytes(response.body);
  report(none, status);
  if (sent) co_await linger();
}

/// Closing with unread input makes the kernel send a reset, which can overtake the answer: read a little
/// more.
Task<void> Connection::linger() {
  ::shutdown(stream_->fd(), SHUT_WR);
  const Deadline deadline = Deadline::after(kLingerTime);
  size_t dropped = 0;
  while (dropped < kLingerBytes) {
    stream_->consume(stream_->buffered().size());
    const Result<size_t> got = co_await stream_->fill(deadline);
    if (!got || *got == 0) co_return;
    dropped += *got;
  }
}

}  // namespace dromos::http
