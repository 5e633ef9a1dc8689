#include "common/http/client.h"

#include "common/async/task_group.h"
#include "common/base/strings.h"
#include "common/net/dialer.h"

namespace dromos::http {
namespace {

using Kind = ParseEvent::Kind;

ParserLimits client_limits(uint64_t max_body) {
  ParserLimits limits;
  limits.body.bytes = max_body;
  return limits;
}

/// May be sent again when the connection broke before any answer (RFC 9110 §9.2.2).
bool is_idempotent(Method method) {
  return method != Method::post && method != Method::patch && method != Method::lock;
}

}  // namespace

Client::Client(ClientOptions options)
    : options_(std::move(options)), parser_(client_limits(options_.max_body)) {}

Client::Client(ClientOptions options, std::unique_ptr<net::Stream> stream) : Client(std::move(options)) {
  stream_ = std::move(stream);
}

Task<Result<void>> Client::connect(Deadline deadline) {
  CO_TRY(stream_, co_await net::dial(options_.address, deadline));
  used_ = false;
  if (options_.tls) CO_TRY_VOID(co_await stream_->start_tls_client(options_.tls, options_.host, deadline));
  co_return Result<void>{};
}

std::string Client::encode(const ClientRequest& request) const {
  std::string out(method_name(request.method));
  out += ' ';
  out += request.target;
  out += " HTTP/1.1\r\nHost: ";
  out += options_.host.empty() ? "localhost" : options_.host;
  out += "\r\n";
  for (size_t i = 0; i < request.headers.size(); ++i) {
    const auto [name, value] = request.headers.at(i);
    if (iequals(name, "content-length") || iequals(name, "host") || iequals(name, "transfer-encoding"))
      continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  const bool bodiless = request.method == Method::get || request.method == Method::head;
  if (!request.body.empty() || !bodiless)
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  out += "\r\n";
  return out;
}

Task<Result<ResponseHead>> Client::exchange(const ClientRequest& request, Deadline deadline,
                                            bool& sent_on_kept) {
  sent_on_kept = stream_ != nullptr && used_;
  if (!stream_) CO_TRY_VOID(co_await connect(deadline));
  used_ = true;
  parser_ = ResponseParser(client_limits(options_.max_body));
  parser_.expect(request.method);
  stream_->write(encode(request));
  CO_TRY_VOID(co_await stream_->write_all(request.body, deadline));
  while (true) {
    const ParseEvent event = parser_.feed(stream_->buffered());
    stream_->consume(event.consumed);
    if (event.kind == Kind::error)
      co_return fail(unavailable_error(std::string("answer: ") + parser_.error().text));
    if (event.kind == Kind::end) parser_.next();  // of an interim answer
    if (event.kind == Kind::head && parser_.head().status >= 200) break;
    if (event.kind != Kind::need_more) continue;
    CO_TRY(const size_t got, co_await stream_->fill(deadline));
    if (got == 0) co_return fail(Errc::closed, "the server closed without an answer", Retry::temporary);
    sent_on_kept = false;  // it has answered something
  }
  in_body_ = true;
  co_return parser_.head();
}

Task<Result<ResponseHead>> Client::open(ClientRequest request, Deadline deadline) {
  for (const char c : request.target)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
      co_return fail(Errc::invalid_argument, "bad target");
  if (in_body_) close();
  in_body_ = false;
  bool kept = false;
  Result<ResponseHead> head = co_await exchange(request, deadline, kept);
  if (!head && kept && is_idempotent(request.method) && !head.error().is(Errc::timeout)) {
    close();
    head = co_await exchange(request, deadline, kept);
  }
  if (!head) close();
  co_return head;
}

Task<Result<std::string>> Client::read(Deadline deadline) {
  if (!in_body_ || !stream_) co_return std::string{};
  while (true) {
    ParseEvent event = parser_.feed(stream_->buffered());
    std::string data(event.data);
    stream_->consume(event.consumed);
    if (event.kind == Kind::body) co_return data;
    if (event.kind == Kind::need_more) {
      const Result<size_t> got = co_await stream_->fill(deadline);
      if (!got) {
        close();
        co_return fail(got.error());
      }
      if (*got > 0) continue;
      event = parser_.feed_eof();
    }
    in_body_ = false;
    if (event.kind == Kind::end) {
      if (!parser_.head().keep_alive) close();
      co_return std::string{};
    }
    close();
    co_return fail(unavailable_error(std::string("answer: ") + parser_.error().text));
  }
}

Task<Result<ClientResponse>> Client::request(ClientRequest request, Deadline deadline) {
  ClientResponse out;
  CO_TRY(ResponseHead head, co_await open(std::move(request), deadline));
  out.status = head.status;
  out.headers = std::move(head.headers);
  while (true) {
    CO_TRY(const std::string piece, co_await read(deadline));
    if (piece.empty()) co_return out;
    out.body += piece;
  }
}

namespace {

Task<void> run_request(ClientOptions options, ClientRequest request, milliseconds timeout,
                       Result<ClientResponse>& out) {
  Client client(std::move(options));
  out = co_await client.request(std::move(request), Deadline::after(timeout));
}

}  // namespace

Result<ClientResponse> request_blocking(ClientOptions options, ClientRequest request, milliseconds timeout) {
  Result<ClientResponse> out = fail(Errc::internal, "not run");
  run_blocking(run_request(std::move(options), std::move(request), timeout, out));
  return out;
}

}  // namespace dromos::http
