// UnboundResolver against tests/lib/dns_server.py on loopback.
#include "common/dns/unbound_resolver.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "common/async/task_group.h"
#include "common/base/strings.h"

using namespace dromos;
using namespace dromos::dns;

namespace {

constexpr const char* kZone = R"(
example.test 300 MX 20 b.example.test
example.test 300 MX 10 a.example.test
example.test 120 TXT "v=spf1 mx" " -all"
a.example.test A 127.0.0.2
a.example.test AAAA ::2
_25._tcp.a.example.test TLSA 3 1 1 0123abcd
null.test MX 0 .
alias.test CNAME example.test
onlya.test A 127.0.0.3
2.0.0.127.in-addr.arpa PTR a.example.test
broken.test !servfail
silent.test !drop
large.test !truncate
large.test A 127.0.0.4
)";

/// The server as a child; it ends when its standard input closes.
class DnsServer {
 public:
  DnsServer() {
    char name[] = "/tmp/dromos-zone-XXXXXX";
    const int file = mkstemp(name);
    REQUIRE(file >= 0);
    zone_ = name;
    REQUIRE(::write(file, kZone, std::string_view(kZone).size()) > 0);
    ::close(file);
    int in[2], out[2];
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execl("/usr/bin/python3", "python3", DROMOS_SOURCE_DIR "/tests/lib/dns_server.py", name, nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = out[0];
    std::string line;
    char c;
    while (::read(out_, &c, 1) == 1 && c != '\n') line += c;
    REQUIRE(istarts_with(line, "PORT "));
    port_ = line.substr(5);
  }
  ~DnsServer() {
    ::close(in_);
    ::close(out_);
    ::waitpid(child_, nullptr, 0);
    ::unlink(zone_.c_str());
  }
  UnboundOptions options() const {
    UnboundOptions out;
    out.forwarders = {"127.0.0.1@" + port_};
    out.allow_loopback = true;
    out.settings = {{"module-config:", "iterator"}};
    out.ask_zones = {"test.", "127.in-addr.arpa."};
    return out;
  }

 private:
  pid_t child_ = -1;
  int in_ = -1, out_ = -1;
  std::string zone_, port_;
};

const auto soon = [] { return Deadline::after(seconds(30)); };

Task<void> lookups(UnboundOptions options) {
  auto created = UnboundResolver::create(options);
  REQUIRE(created);
  UnboundResolver& resolver = **created;

  const auto mx = co_await resolver.mx("Example.TEST.", soon());
  REQUIRE(mx);
  CHECK(mx->hosts == std::vector<MxHost>{{10, "a.example.test"}, {20, "b.example.test"}});
  CHECK(mx->dnssec == Dnssec::insecure);
  CHECK(mx->ttl > 0);
  CHECK(mx->ttl <= 300);
  const auto null_mx = co_await resolver.mx("null.test", soon());
  REQUIRE(null_mx);
  CHECK(null_mx->null_mx);
  CHECK(null_mx->hosts.empty());
  const auto implicit = co_await resolver.mx("onlya.test", soon());
  REQUIRE(implicit);
  CHECK(implicit->implicit);
  CHECK(implicit->hosts == std::vector<MxHost>{{0, "onlya.test"}});
  const auto none = co_await resolver.mx("nowhere.test", soon());
  REQUIRE(none);
  CHECK(none->existence == Existence::no_domain);
  CHECK(none->hosts.empty());
  CHECK(none->ttl <= 60);
  const auto alias = co_await resolver.mx("alias.test", soon());
  REQUIRE(alias);
  CHECK(alias->canonical_name == "example.test");
  CHECK(alias->hosts.size() == 2);

  const auto both = co_await resolver.addresses("a.example.test", soon());
  REQUIRE(both);
  CHECK(both->addresses == std::vector<IpAddress>{{"::2", true}, {"127.0.0.2", false}});
  const auto by_tcp = co_await resolver.addresses("large.test", soon());
  REQUIRE(by_tcp);
  CHECK(by_tcp->addresses == std::vector<IpAddress>{{"127.0.0.4", false}});
  const auto txt = co_await resolver.txt("example.test", soon());
  REQUIRE(txt);
  CHECK(txt->values == std::vector<std::string>{"v=spf1 mx -all"});
  const auto ptr = co_await resolver.ptr("127.0.0.2", soon());
  REQUIRE(ptr);
  CHECK(ptr->values == std::vector<std::string>{"a.example.test"});
  const auto tlsa = co_await resolver.tlsa("a.example.test", 25, soon());
  REQUIRE(tlsa);
  CHECK(tlsa->records == std::vector<TlsaRecord>{{3, 1, 1, *unhex("0123abcd")}});

  const auto broken = co_await resolver.txt("broken.test", soon());
  REQUIRE_FALSE(broken);
  CHECK(broken.error().is(dns::Errc::server));
  CHECK(broken.error().may_retry());
  const auto silent = co_await resolver.txt("silent.test", Deadline::after(milliseconds(50)));
  REQUIRE_FALSE(silent);
  CHECK(silent.error().retry() == Retry::timeout);
  const auto bad = co_await resolver.txt("a..b", soon());
  REQUIRE_FALSE(bad);
  CHECK_FALSE(bad.error().may_retry());
  CHECK_FALSE(co_await resolver.dnssec_works(soon()));
}

Task<void> ask(Resolver& resolver, std::string name, size_t& good) {
  const auto found = co_await resolver.addresses(std::move(name), soon());
  if (found && found->existence == Existence::no_domain) ++good;
}

Task<void> many(UnboundOptions options) {
  options.max_in_flight = 3;
  auto created = UnboundResolver::create(options);
  REQUIRE(created);
  TaskGroup group;
  size_t good = 0;
  for (int i = 0; i < 100; ++i) group.spawn(ask(**created, "x" + std::to_string(i) + ".nowhere.test", good));
  co_await group.join();
  CHECK(good == 100);
}

}  // namespace

TEST_CASE("libunbound answers every kind of question from a forwarder", "[integration][dns]") {
  DnsServer server;
  run_blocking(lookups(server.options()));
}

TEST_CASE("questions beyond the bound wait their turn", "[integration][dns]") {
  DnsServer server;
  run_blocking(many(server.options()));
}

TEST_CASE("bad settings are refused with their name", "[integration][dns]") {
  struct Local {
    static Task<void> run() {
      UnboundOptions options;
      options.settings = {{"no-such-setting:", "1"}};
      const auto created = UnboundResolver::create(options);
      REQUIRE_FALSE(created);
      CHECK(created.error().message().find("no-such-setting") != std::string::npos);
      co_return;
    }
  };
  run_blocking(Local::run());
}
