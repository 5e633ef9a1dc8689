#include "common/rpc/unix_calls.h"

#include <algorithm>
#include <unordered_map>

#include "common/rpc/http2_link.h"
#include "common/rpc/status.h"
#include "common/rpc/wire.h"

namespace dromos::rpc {
namespace {

constexpr uint32_t kMaxCalls = 1000;  // of one connection at once
constexpr size_t kMaxName = 256;      // of a method or a caller

}  // namespace

struct UnixCalls::Call {
  explicit Call(size_t max_message) : reader(max_message) {}

  Connection* connection = nullptr;  ///< null once the stream is gone
  int32_t stream = 0;
  CallInfo info;
  MessageReader reader;
  Http2Body body;
  bool answered = false;  ///< the fields of the answer are under way
  CancelSource cancel;
  Event drained;

  void gone() {
    connection = nullptr;
    cancel.cancel();
    drained.set();
  }
};

class UnixCalls::Connection final : public Http2Link::Events {
 public:
  Connection(UnixCalls& owner, int fd, std::string caller)
      : owner_(owner), caller_(std::move(caller)), link_(fd, Http2Link::Side::server, kMaxCalls, *this) {}
  ~Connection() override {
    for (const auto& [stream, call] : calls_) call->gone();
  }
  /// Says its settings. May destroy this.
  void start() { link_.flush(); }
  /// May destroy this.
  void refuse_new() {
    link_.refuse_new();
    link_.flush();
  }

  /// More of the body, or its end. May destroy this.
  void say(Call& call) {
    if (!std::exchange(call.answered, true))
      link_.respond(call.stream, {{":status", "200"}, {"content-type", "application/grpc"}}, &call.body);
    else
      link_.resume(call.stream, call.body);
    link_.flush();
  }
  /// An answer that is nothing but a status. May destroy this.
  void say_status(Call& call, Http2Link::Fields status) {
    call.answered = true;
    status.insert(status.begin(), {{":status", "200"}, {"content-type", "application/grpc"}});
    link_.respond(call.stream, status, nullptr);
    link_.flush();
  }

 private:
  Call* find(int32_t stream) {
    const auto at = calls_.find(stream);
    return at == calls_.end() ? nullptr : at->second.get();
  }
  void on_stream(int32_t stream) override {
    auto call = std::make_shared<Call>(owner_.max_message_);
    call->connection = this;
    call->stream = stream;
    call->info.caller = caller_;
    calls_[stream] = std::move(call);
  }
  void on_field(int32_t stream, std::string_view name, std::string_view value) override {
    Call* call = find(stream);
    if (call == nullptr) return;
    if (name == ":path") call->info.method = value.substr(0, kMaxName);
    if (name == "dromos-caller" && caller_.empty()) call->info.caller = value.substr(0, kMaxName);
    if (name == "grpc-timeout") {
      if (const auto timeout = parse_timeout(value))
        call->info.deadline = Deadline::after(std::chrono::duration_cast<milliseconds>(*timeout));
    }
  }
  void on_data(int32_t stream, std::string_view bytes) override {
    Call* call = find(stream);
    if (call == nullptr) return;
    call->reader.feed(bytes);
    if (call->reader.pending() > owner_.max_message_ + framed("").size()) link_.reset(stream);
  }
  void on_end(int32_t stream) override {
    const auto at = calls_.find(stream);
    if (at == calls_.end()) return;
    auto request = at->second->reader.next();
    // No message, a compressed one, one too long: nothing that our callers send.
    if (!request || !*request) return link_.reset(stream);
    owner_.running_.spawn(run(&owner_, at->second, std::move(**request)));
  }
  void on_closed(int32_t stream, uint32_t) override {
    const auto at = calls_.find(stream);
    if (at == calls_.end()) return;
    at->second->gone();
    calls_.erase(at);
  }
  void on_sent() override {
    for (const auto& [stream, call] : calls_)
      if (call->body.sent()) call->drained.set();
  }
  void on_lost() override { owner_.drop(this); }

  UnixCalls& owner_;
  const std::string caller_;
  std::unordered_map<int32_t, std::shared_ptr<Call>> calls_;
  Http2Link link_;  // last: it reads from the calls' bodies
};

UnixCalls::UnixCalls(size_t max_message, Dispatch dispatch)
    : max_message_(max_message), dispatch_(std::move(dispatch)) {}
UnixCalls::~UnixCalls() = default;

void UnixCalls::adopt(int fd, std::string caller) {
  connections_.push_back(std::make_unique<Connection>(*this, fd, std::move(caller)));
  connections_.back()->start();
}

void UnixCalls::drop(Connection* connection) {
  const auto at = std::find_if(connections_.begin(), connections_.end(),
                               [connection](const auto& one) { return one.get() == connection; });
  if (at != connections_.end()) connections_.erase(at);
}

Task<void> UnixCalls::close(Deadline deadline) {
  std::vector<Connection*> all;
  for (const auto& one : connections_) all.push_back(one.get());
  for (Connection* one : all) one->refuse_new();  // drops none but itself
  co_await running_.join(deadline);
  connections_.clear();
  co_await running_.join();
}

Task<void> UnixCalls::run(UnixCalls* self, std::shared_ptr<Call> call, std::string request) {
  CallInfo info = call->info;
  info.cancelled = call->cancel.token();
  StreamSink sink = [call](std::string bytes) { return write(call, std::move(bytes)); };
  auto last = co_await self->dispatch_(std::move(info), std::move(request), std::move(sink));
  if (call->connection == nullptr) co_return;
  Http2Link::Fields status = {{"grpc-status", "0"}};
  if (!last) {
    status[0].second = std::to_string(status_code(last.error()));
    status.emplace_back("grpc-message", percent_encoded(last.error().message()));
    if (!call->answered) co_return call->connection->say_status(*call, std::move(status));
  } else if (*last) {
    call->body.add(framed(**last));
  }
  call->body.trailers = std::move(status);
  call->body.ended = true;
  call->connection->say(*call);
}

Task<Result<void>> UnixCalls::write(std::shared_ptr<Call> call, std::string bytes) {
  if (call->connection == nullptr) co_return fail(Errc::closed, "the caller is gone", Retry::cancelled);
  call->body.add(framed(bytes));
  call->connection->say(*call);
  while (call->connection != nullptr && !call->body.sent()) {
    call->drained.reset();
    co_await call->drained.wait();
  }
  if (call->connection == nullptr) co_return fail(Errc::closed, "the caller is gone", Retry::cancelled);
  co_return Result<void>{};
}

}  // namespace dromos::rpc
