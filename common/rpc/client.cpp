#include "common/rpc/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <deque>
#include <fstream>
#include <sstream>

#include "common/async/sync.h"
#include "common/rpc/status.h"
#include "common/rpc/unix_channel.h"

namespace dromos::rpc {
namespace {

std::string to_string(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return out;
  for (const auto& slice : slices) out.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return out;
}

grpc::ByteBuffer to_buffer(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::shared_ptr<grpc::Channel> make_channel(const Client::Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(80 << 20);
  // A daemon that comes back is found within a second.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!options.certificate.empty()) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = read_file(options.ca);
    tls.pem_private_key = read_file(options.key);
    tls.pem_cert_chain = read_file(options.certificate);
    credentials = grpc::SslCredentials(tls);
  }
  return grpc::CreateCustomChannel(options.target, credentials, arguments);
}

}  // namespace

constexpr std::string_view kUnix = "unix:";

struct Client::Impl {
  explicit Impl(Options o) : options(std::move(o)) {
    if (options.target.starts_with(kUnix))
      local = std::make_unique<UnixChannel>(options.target.substr(kUnix.size()), options.caller);
    else
      remote = std::make_unique<grpc::GenericStub>(make_channel(options));
  }
  Options options;
  std::unique_ptr<UnixChannel> local;  // one of the two
  std::unique_ptr<grpc::GenericStub> remote;
  int failures = 0;
  Deadline::TimePoint open_until{};
};

namespace {

// State of a call under way: gRPC's thread fills it and posts; the awaiting coroutine keeps it alive.
struct UnaryCall {
  grpc::ClientContext context;
  grpc::ByteBuffer request, response;
  grpc::Status status;

  struct Awaiter {
    UnaryCall& call;
    grpc::GenericStub& stub;
    const std::string& method;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      Reactor& home = Reactor::current();
      stub.UnaryCall(&call.context, method, grpc::StubOptions(), &call.request, &call.response,
                     [this, handle, &home](grpc::Status outcome) {
                       call.status = std::move(outcome);
                       home.post([&home, handle] { home.schedule(handle); });
                     });
    }
    void await_resume() const noexcept {}
  };
};

// A server stream: messages are posted one at a time, so a slow reader slows the peer.
class StreamCall : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  struct Shared {
    std::deque<std::string> messages;
    Event changed;
    bool done = false;
    grpc::Status status;
  };
  StreamCall(Reactor& home, std::shared_ptr<Shared> shared) : home_(home), shared_(std::move(shared)) {}

  grpc::ClientContext context;

  void start(grpc::GenericStub& stub, const std::string& method, const std::string& request) {
    request_ = to_buffer(request);
    stub.PrepareBidiStreamingCall(&context, method, grpc::StubOptions(), this);
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&response_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    home_.post([shared = shared_, bytes = to_string(response_)]() mutable {
      shared->messages.push_back(std::move(bytes));
      shared->changed.set();
    });
    response_.Clear();
    StartRead(&response_);
  }
  void OnDone(const grpc::Status& status) override {
    home_.post([this, shared = shared_, status] {
      shared->status = status;
      shared->done = true;
      shared->changed.set();
      delete this;
    });
  }

 private:
  Reactor& home_;
  std::shared_ptr<Shared> shared_;
  grpc::ByteBuffer request_, response_;
};

}  // namespace

Client::Client(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

bool Client::breaker_is_open() const {
  return impl_->failures >= impl_->options.breaker_failures &&
         std::chrono::steady_clock::now() < impl_->open_until;
}

// Only failing to reach the peer counts: an answer, even a refusal, shows that it lives.
void Client::note(const Result<std::string>& outcome) {
  if (outcome || !outcome.error().may_retry() || outcome.error().retry() == Retry::cancelled) {
    impl_->failures = 0;
    return;
  }
  ++impl_->failures;
  impl_->open_until = std::chrono::steady_clock::now() + impl_->options.breaker_open;
}

Task<Result<std::string>> Client::call(std::string method, std::string request, Deadline deadline) {
  if (breaker_is_open()) co_return fail(unavailable_error(impl_->options.target + " is down"));
  if (impl_->local != nullptr) {
    auto answer = co_await impl_->local->call(std::move(method), std::move(request), deadline);
    note(answer);
    co_return answer;
  }
  auto call = std::make_unique<UnaryCall>();
  call->context.AddMetadata("dromos-caller", impl_->options.caller);
  if (!deadline.is_never())
    call->context.set_deadline(std::chrono::system_clock::now() + deadline.remaining());
  call->request = to_buffer(request);
  UnaryCall::Awaiter awaiter{*call, *impl_->remote, method};
  co_await awaiter;
  Result<std::string> outcome =
      call->status.ok() ? Result<std::string>(to_string(call->response))
                        : Result<std::string>(fail(error_of_status(
                              call->status.error_code(), method + ": " + call->status.error_message())));
  note(outcome);
  co_return outcome;
}

Task<Result<void>> Client::subscribe(std::string method, std::string request,
                                     std::function<bool(std::string)> on_message, CancelToken token) {
  if (impl_->local != nullptr)
    co_return co_await impl_->local->subscribe(std::move(method), std::move(request), std::move(on_message),
                                               token);
  auto shared = std::make_shared<StreamCall::Shared>();
  auto* call = new StreamCall(Reactor::current(), shared);  // frees itself when done
  call->context.AddMetadata("dromos-caller", impl_->options.caller);
  call->start(*impl_->remote, method, request);
  bool wanted = true;
  while (!shared->done) {
    shared->changed.reset();
    while (!shared->messages.empty()) {
      std::string message = std::move(shared->messages.front());
      shared->messages.pop_front();
      if (wanted && !on_message(std::move(message))) wanted = false;
    }
    if (shared->done) break;
    if (!wanted || token.cancelled()) {
      call->context.TryCancel();
      co_await shared->changed.wait();
      continue;
    }
    co_await shared->changed.wait(Deadline::never(), token);
  }
  if (!wanted || token.cancelled()) co_return Result<void>{};
  if (shared->status.ok()) co_return Result<void>{};
  co_return fail(
      error_of_status(shared->status.error_code(), method + ": " + shared->status.error_message()));
}

}  // namespace dromos::rpc
