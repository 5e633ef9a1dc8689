#include "common/rpc/unix_channel.h"

#include <grpcpp/support/status_code_enum.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/strings.h"
#include "common/net/address.h"
#include "common/rpc/status.h"
#include "common/rpc/wire.h"

namespace dromos::rpc {
namespace {

constexpr size_t kMaxMessage = size_t{80} << 20;
constexpr size_t kMaxStatusText = 1024;

// PROTOCOL-HTTP2, "HTTP2 Transport Mapping": what a stream that ended without a status means.
int status_of_reset(uint32_t error) {
  if (error == NGHTTP2_REFUSED_STREAM) return grpc::StatusCode::UNAVAILABLE;
  if (error == NGHTTP2_CANCEL) return grpc::StatusCode::CANCELLED;
  return grpc::StatusCode::INTERNAL;
}

}  // namespace

struct UnixChannel::Call {
  int32_t stream = -1;
  std::string method;
  Http2Body body;
  MessageReader reader{kMaxMessage};
  Event changed;
  bool done = false;
  bool refused_by_http = false;
  int status = -1;
  std::string text;

  void end(int code, std::string why) {
    if (done) return;
    done = true;
    if (status < 0 || refused_by_http) {
      status = code;
      text = std::move(why);
    }
    changed.set();
  }
  Error error() const { return error_of_status(status, method + ": " + text); }
};

UnixChannel::~UnixChannel() = default;

Result<void> UnixChannel::connect() {
  if (link_ != nullptr && link_->takes_requests()) return {};
  link_.reset();
  on_lost();
  TRY(const auto address, net::Address::parse("unix:" + path_));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, address.get(), address.length()) != 0) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return fail(unavailable_error("connecting to " + path_ + ": " + std::strerror(error)));
  }
  Http2Link::Events& events = *this;
  link_ = std::make_unique<Http2Link>(fd, Http2Link::Side::client, 0, events);
  return {};
}

Result<std::shared_ptr<UnixChannel::Call>> UnixChannel::open(const std::string& method,
                                                             const std::string& request, Deadline deadline) {
  TRY_VOID(connect());
  auto call = std::make_shared<Call>();
  call->method = method;
  call->body.add(framed(request));
  call->body.ended = true;
  Http2Link::Fields fields = {{":method", "POST"},       {":scheme", "http"},
                              {":path", method},         {":authority", "localhost"},
                              {"te", "trailers"},        {"content-type", "application/grpc"},
                              {"dromos-caller", caller_}};
  if (!deadline.is_never()) fields.emplace_back("grpc-timeout", timeout_text(deadline.remaining()));
  call->stream = link_->request(fields, call->body);
  if (call->stream < 0) return fail(unavailable_error(path_ + " takes no calls"));
  calls_[call->stream] = call;
  link_->flush();
  return call;
}

// The call stays known until nghttp2 has closed its stream, since it reads from its body.
void UnixChannel::abandon(Call& call) {
  if (call.done || link_ == nullptr) return;
  link_->reset(call.stream);
  link_->flush();
}

Task<Result<std::string>> UnixChannel::call(std::string method, std::string request, Deadline deadline) {
  CO_TRY(const std::shared_ptr<Call> call, open(method, request, deadline));
  while (!call->done) {
    call->changed.reset();
    const Wake wake = co_await call->changed.wait(deadline);
    if (wake == Wake::ready) continue;
    abandon(*call);
    co_return fail(timeout_error(method + " took too long"));
  }
  if (call->status != 0) co_return fail(call->error());
  CO_TRY(auto message, call->reader.next());
  if (!message) co_return fail(Errc::internal, method + ": no answer in the answer");
  co_return std::move(*message);
}

Task<Result<void>> UnixChannel::subscribe(std::string method, std::string request,
                                          std::function<bool(std::string)> on_message, CancelToken token) {
  CO_TRY(const std::shared_ptr<Call> call, open(method, request, Deadline::never()));
  while (true) {
    call->changed.reset();
    while (true) {
      auto message = call->reader.next();
      if (message && !*message) break;
      const bool wanted = message && on_message(std::move(**message));
      if (wanted) continue;
      abandon(*call);
      if (!message) co_return fail(std::move(message).error());
      co_return Result<void>{};
    }
    if (call->done) break;
    const Wake wake = co_await call->changed.wait(Deadline::never(), token);
    if (wake != Wake::ready) {
      abandon(*call);
      co_return Result<void>{};
    }
  }
  if (token.cancelled() || call->status == 0) co_return Result<void>{};
  co_return fail(call->error());
}

UnixChannel::Call* UnixChannel::find(int32_t stream) {
  const auto at = calls_.find(stream);
  return at == calls_.end() ? nullptr : at->second.get();
}

void UnixChannel::on_field(int32_t stream, std::string_view name, std::string_view value) {
  Call* call = find(stream);
  if (call == nullptr) return;
  if (name == "grpc-status") call->status = parse_number<int>(value).value_or(grpc::StatusCode::UNKNOWN);
  if (name == "grpc-message") call->text = percent_decoded(value.substr(0, kMaxStatusText));
  if (name == ":status" && value != "200") call->refused_by_http = true;
}

void UnixChannel::on_data(int32_t stream, std::string_view bytes) {
  Call* call = find(stream);
  if (call == nullptr || call->done) return;
  call->reader.feed(bytes);
  if (call->reader.pending() > kMaxMessage + framed("").size()) {
    link_->reset(stream);
    call->end(grpc::StatusCode::RESOURCE_EXHAUSTED, "the answer is too long");
    return;
  }
  call->changed.set();
}

void UnixChannel::on_closed(int32_t stream, uint32_t error) {
  const auto at = calls_.find(stream);
  if (at == calls_.end()) return;
  const std::shared_ptr<Call> call = std::move(at->second);
  calls_.erase(at);
  call->end(status_of_reset(error), call->refused_by_http ? "refused by HTTP" : "ended without a status");
}

void UnixChannel::on_lost() {
  const auto calls = std::exchange(calls_, {});
  link_.reset();
  for (const auto& [stream, call] : calls)
    call->end(grpc::StatusCode::UNAVAILABLE, "connection to " + path_ + " lost");
}

}  // namespace dromos::rpc
