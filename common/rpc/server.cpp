#include "common/rpc/server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>

#include "common/async/offload.h"
#include "common/log/log.h"
#include "common/net/listener.h"
#include "common/rpc/status.h"
#include "common/rpc/unix_calls.h"

namespace dromos::rpc {
namespace {

constexpr milliseconds kStopWait{1000};
constexpr char kHealthMethod[] = "/grpc.health.v1.Health/Check";
constexpr char kHealthServing[] = "\x08\x01";  // HealthCheckResponse{status: SERVING}

struct Method {
  std::vector<std::string> callers;
  UnaryHandler unary;
  StreamHandler stream;

  bool allows(const std::string& caller) const {
    return std::any_of(callers.begin(), callers.end(),
                       [&](const auto& c) { return c == "*" || c == caller; });
  }
};

std::string to_string(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string out;
  if (!buffer.Dump(&slices).ok()) return out;
  out.reserve(buffer.Length());
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

}  // namespace

struct Server::Impl {
  class Service;
  class Call;

  explicit Impl(Options o) : options(std::move(o)), reactor(Reactor::current()) {}

  Result<void> start_tcp();
  void on_connection(int fd);
  /// The last message of the answer; nothing once a stream has ended.
  Task<Result<std::optional<std::string>>> handle(CallInfo info, std::string request, StreamSink sink);

  Options options;
  Reactor& reactor;
  std::map<std::string, Method, std::less<>> methods;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<UnixCalls> local;
  TaskGroup accepting;
  // Between hosts.
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;
  TaskGroup calls;
};

// One call between hosts. gRPC's threads only post; the handler runs on the reactor, and Finish() is the last
// thing it does. `shared` outlives the call, since a cancellation may be posted while OnDone frees it.
class Server::Impl::Call : public grpc::ServerGenericBidiReactor {
 public:
  struct Shared {
    CancelSource cancel;
    Event wrote;
    bool write_ok = false;
  };

  Call(Impl& impl, grpc::GenericCallbackServerContext* context)
      : impl_(impl), shared_(std::make_shared<Shared>()) {
    info_.method = context->method();
    const auto& metadata = context->client_metadata();
    if (auto it = metadata.find("dromos-caller"); it != metadata.end())
      info_.caller.assign(it->second.data(), it->second.size());
    const auto deadline = context->deadline();
    if (deadline != std::chrono::system_clock::time_point::max()) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::system_clock::now());
      if (left < std::chrono::hours(24 * 365)) info_.deadline = Deadline::after(left);
    }
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    impl_.reactor.post([this, ok] { impl_.calls.spawn(run(*this, ok)); });
  }
  void OnWriteDone(bool ok) override {
    impl_.reactor.post([shared = shared_, ok] {
      shared->write_ok = ok;
      shared->wrote.set();
    });
  }
  void OnCancel() override {
    impl_.reactor.post([shared = shared_] { shared->cancel.cancel(); });
  }
  void OnDone() override {
    // The shared part is of the reactor's thread.
    impl_.reactor.post([shared = std::move(shared_)] {});
    delete this;
  }

 private:
  static Task<void> run(Call& call, bool got_request) {
    auto shared = call.shared_;
    call.info_.cancelled = shared->cancel.token();
    Result<std::optional<std::string>> last = fail(cancelled_error("no request"));
    if (got_request) {
      StreamSink sink = [&call](std::string bytes) { return call.write(std::move(bytes)); };
      last = co_await call.impl_.handle(call.info_, to_string(call.request_), std::move(sink));
    }
    if (!last) {
      call.Finish(
          grpc::Status(static_cast<grpc::StatusCode>(status_code(last.error())), last.error().message()));
    } else if (*last) {
      // In one operation: nobody has to be woken between the answer and its end.
      call.response_ = to_buffer(**last);
      call.StartWriteAndFinish(&call.response_, grpc::WriteOptions(), grpc::Status::OK);
    } else {
      call.Finish(grpc::Status::OK);
    }
  }

  Task<Result<void>> write(std::string bytes) {
    auto shared = shared_;
    response_ = to_buffer(bytes);
    shared->wrote.reset();
    StartWrite(&response_);
    co_await shared->wrote.wait();
    if (!shared->write_ok) co_return fail(Errc::closed, "the caller is gone", Retry::cancelled);
    co_return Result<void>{};
  }

  Impl& impl_;
  std::shared_ptr<Shared> shared_;
  CallInfo info_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class Server::Impl::Service : public grpc::CallbackGenericService {
 public:
  explicit Service(Impl& impl) : impl_(impl) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new Call(impl_, context);
  }

 private:
  Impl& impl_;
};

Task<Result<std::optional<std::string>>> Server::Impl::handle(CallInfo info, std::string request,
                                                              StreamSink sink) {
  if (info.method == kHealthMethod) co_return std::string(kHealthServing, 2);
  const auto it = methods.find(info.method);
  if (it == methods.end()) co_return fail(Errc::not_found, "no method " + info.method + " here");
  if (!it->second.allows(info.caller)) {
    log::warn("rpc.denied", {{"method", info.method}, {"caller", info.caller}});
    co_return fail(Errc::permission_denied, "'" + info.caller + "' may not call " + info.method);
  }
  if (it->second.stream) {
    CO_TRY_VOID(co_await it->second.stream(std::move(info), std::move(request), std::move(sink)));
    co_return std::nullopt;
  }
  CO_TRY(std::string reply, co_await it->second.unary(std::move(info), std::move(request)));
  co_return std::move(reply);
}

void Server::Impl::on_connection(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    log::warn("rpc.peer_unknown");
    ::close(fd);
    return;
  }
  local->adopt(fd, options.daemon_of_uid(peer.uid));
}

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

void Server::add(std::string method, std::vector<std::string> callers, UnaryHandler handler) {
  impl_->methods[std::move(method)] = Method{std::move(callers), std::move(handler), nullptr};
}

void Server::add_stream(std::string method, std::vector<std::string> callers, StreamHandler handler) {
  impl_->methods[std::move(method)] = Method{std::move(callers), nullptr, std::move(handler)};
}

Result<void> Server::Impl::start_tcp() {
  service = std::make_unique<Service>(*this);
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(service.get());
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = read_file(options.ca);
  tls.pem_key_cert_pairs.push_back({read_file(options.key), read_file(options.certificate)});
  builder.AddListeningPort(options.tcp_address, grpc::SslServerCredentials(tls));
  server = builder.BuildAndStart();
  if (server == nullptr)
    return fail(Errc::unavailable, "cannot start the RPC server on " + options.tcp_address);
  return {};
}

Result<void> Server::start() {
  Impl& impl = *impl_;
  TRY(const auto address, net::Address::parse(impl.options.unix_path));
  TRY(impl.listener, net::Listener::bind(address));
  impl.local = std::make_unique<UnixCalls>(
      impl.options.max_message, [&impl](CallInfo info, std::string request, StreamSink sink) {
        return impl.handle(std::move(info), std::move(request), std::move(sink));
      });
  if (!impl.options.tcp_address.empty()) TRY_VOID(impl.start_tcp());
  impl.accepting.spawn(impl.listener->accept_loop([&impl](int fd, net::Address) { impl.on_connection(fd); },
                                                  impl.accepting.token()));
  return {};
}

Task<void> Server::stop() {
  Impl& impl = *impl_;
  if (impl.local == nullptr) co_return;
  co_await impl.accepting.close();
  co_await impl.local->close(Deadline::after(kStopWait));
  impl.local.reset();
  ::unlink(impl.options.unix_path.c_str());
  if (impl.server == nullptr) co_return;
  grpc::Server* const server = impl.server.get();
  co_await offload([server] { server->Shutdown(std::chrono::system_clock::now() + kStopWait); });
  co_await impl.calls.join();
  co_await offload([server] { server->Wait(); });
  impl.server.reset();
}

}  // namespace dromos::rpc
