// A whole session of each kind over a socket pair, with a backend that accepts all: no input may crash it,
// hang it, or make it accept a message whose content holds a bare CR, bare LF or NUL.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "common/async/task_group.h"
#include "mta/session/session.h"

using namespace dromos;

namespace {

class AnyBackend final : public mta::Backend {
 public:
  Task<Result<directory::RecipientResolution>> resolve(std::string local, std::string) override {
    directory::RecipientResolution out;
    if (local.size() % 3 == 2)
      out.reject = directory::Reject::unknown;
    else
      out.targets.push_back({AccountId{1}, "x@y.test", ""});
    co_return out;
  }
  Task<Result<bool>> may_send_as(AccountId, std::string) override { co_return true; }
  Task<Result<directory::Identity>> check_password(std::string, std::string, std::string) override {
    co_return fail(Errc::permission_denied, "no");
  }
  Task<Result<directory::ScramLogin>> scram_login(std::string, sasl::ScramHash, std::string) override {
    co_return fail(Errc::permission_denied, "no");
  }
  Task<Result<directory::Identity>> certificate_login(std::string) override {
    co_return fail(Errc::permission_denied, "no");
  }
  Result<directory::Identity> scram_finished(const directory::ScramLogin&, bool, std::string_view,
                                             std::string_view) override {
    return fail(Errc::permission_denied, "no");
  }
  std::shared_ptr<const net::TlsServer> tls(mta::Kind) override { return nullptr; }
  std::shared_ptr<mta::Spool> new_spool() override {
    return std::make_shared<mta::Spool>(budget_, 1 << 20, "/tmp");
  }
  Task<std::vector<smtp::Reply>> accept(mta::Envelope envelope,
                                        std::shared_ptr<mta::Spool> content) override {
    if (envelope.recipients.empty()) std::abort();
    smtp::ContentFaults faults;
    smtp::LineEndCheck check;
    check.feed(content->content(), faults);
    check.finish(faults);
    if (faults.any()) std::abort();
    const size_t answers = envelope.kind == mta::Kind::lmtp ? envelope.recipients.size() : 1;
    co_return std::vector<smtp::Reply>(answers, {250, {2, 0, 0}, "Ok"});
  }
  void refused(store::TraceEvent) override {}

 private:
  mta::ByteBudget budget_{1 << 20};
};

Task<void> feed(int fd, std::string bytes) {
  // The session's side never blocks this much: input of the fuzzer is small.
  net::Stream client(fd);
  (void)co_await client.write_all(bytes, Deadline::after(seconds(1)));
  ::shutdown(client.fd(), SHUT_WR);
  while (true) {
    auto got = co_await client.fill(Deadline::after(seconds(5)));
    if (!got || *got == 0) break;
    client.consume(client.buffered().size());
  }
}

Task<void> converse(std::string bytes) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) std::abort();
  TaskGroup group;
  group.spawn(feed(fds[1], bytes.substr(1)));
  {
    net::Stream stream(fds[0]);
    AnyBackend backend;
    Event drain;
    mta::SessionSettings settings;
    settings.kind = static_cast<mta::Kind>(static_cast<unsigned char>(bytes[0]) % 3);
    settings.hostname = "mx.example.test";
    settings.limits.message_size = config::ByteSize{4096};
    mta::Session session(stream, backend, settings, drain);
    co_await session.run();
    stream.close();
  }
  co_await group.join();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool quiet = [] {
    log::set_level(log::Level::off);
    return true;
  }();
  (void)quiet;
  if (size == 0 || size > 64 * 1024) return 0;
  run_blocking(converse(std::string(reinterpret_cast<const char*>(data), size)));
  return 0;
}
