#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "common/async/task_group.h"
#include "common/net/dialer.h"
#include "common/net/listener.h"
#include "common/net/proxy_protocol.h"
#include "common/net/stream.h"

using namespace dromos;
using namespace dromos::net;
using namespace std::chrono_literals;

namespace {

Deadline soon() {
  return Deadline::after(20s);
}

// A self-signed certificate for `name`, as files that go with the object.
struct TestCertificate {
  std::string base;
  CertificateFiles files;
  explicit TestCertificate(const std::string& name) {
    base = "/tmp/dromos-net-" + std::to_string(getpid()) + "-" + name;
    files = {base + ".crt", base + ".key"};
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME* subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_EXTENSION* san =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str());
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(cert, key, EVP_sha256());
    FILE* out = fopen(files.certificate.c_str(), "w");
    PEM_write_X509(out, cert);
    fclose(out);
    out = fopen(files.key.c_str(), "w");
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    fclose(out);
    X509_free(cert);
    EVP_PKEY_free(key);
  }
  ~TestCertificate() {
    unlink(files.certificate.c_str());
    unlink(files.key.c_str());
  }
};

Task<void> serve_tls(Stream& stream, std::shared_ptr<const TlsServer> tls, Result<void>& out) {
  out = co_await stream.start_tls_server(tls, soon());
}

}  // namespace

TEST_CASE("addresses parse, print and match prefixes", "[unit][net]") {
  REQUIRE(Address::parse("127.0.0.1:25")->to_string() == "127.0.0.1:25");
  REQUIRE(Address::parse("[2001:db8::1]:993")->to_string() == "[2001:db8::1]:993");
  REQUIRE(Address::parse("*:25")->to_string() == "[::]:25");
  REQUIRE(Address::parse("unix:/tmp/x.sock")->to_string() == "unix:/tmp/x.sock");
  REQUIRE_FALSE(Address::parse("localhost:25"));
  REQUIRE_FALSE(Address::parse("127.0.0.1"));
  REQUIRE_FALSE(Address::parse("127.0.0.1:65536"));
  REQUIRE_FALSE(Address::parse("/" + std::string(150, 'x')));
  const auto mapped = *Address::from_ip("::ffff:10.1.2.3", 1);
  REQUIRE(mapped.ip() == "10.1.2.3");
  REQUIRE(mapped.in_prefix("10.0.0.0/8"));
  REQUIRE(mapped.in_prefix("10.1.2.3"));
  REQUIRE_FALSE(mapped.in_prefix("10.1.2.4/31"));
  REQUIRE(mapped.in_prefix("0.0.0.0/0"));
  REQUIRE_FALSE(mapped.in_prefix("::/0"));
  REQUIRE_FALSE(mapped.in_prefix("10.0.0.0/33"));
  REQUIRE(Address::parse("127.8.9.1:1")->is_loopback());
}

TEST_CASE("lines are read with a limit, whatever the pieces", "[unit][net]") {
  run_blocking([]() -> Task<void> {
    auto [a, b] = Stream::memory_pair();
    const std::string text = "first\r\nsecond\nthird\r\n";
    for (const char c : text) {
      a->write({&c, 1});
      REQUIRE(co_await a->flush(soon()));
    }
    REQUIRE(co_await b->read_line(100, soon()) == "first");
    REQUIRE(co_await b->read_line(100, soon()) == "second");
    REQUIRE(co_await b->read_line(100, soon()) == "third");
    a->write(std::string(200, 'x'));
    REQUIRE(co_await a->flush(soon()));
    auto line = co_await b->read_line(100, soon());
    REQUIRE(line.error().is(Errc::limit_exceeded));
    b->consume(b->buffered().size());
    auto silent = co_await b->read_line(100, Deadline::after(10ms));
    REQUIRE(silent.error().is(Errc::timeout));
    a->close();
    auto gone = co_await b->read_line(100, soon());
    REQUIRE(gone.error().is(Errc::closed));
  }());
}

TEST_CASE("a reader that does not read blocks the writer until its deadline", "[unit][net]") {
  run_blocking([]() -> Task<void> {
    auto [a, b] = Stream::memory_pair();
    const std::string big(8 << 20, 'x');
    auto stuck = co_await a->write_all(big, Deadline::after(20ms));
    REQUIRE_FALSE(stuck);
    REQUIRE(stuck.error().is(Errc::timeout));
  }());
}

TEST_CASE("waiting for input also ends by an event or by cancel", "[unit][net]") {
  run_blocking([]() -> Task<void> {
    auto [a, b] = Stream::memory_pair();
    Event news;
    TaskGroup group;
    group.spawn([](Event& event) -> Task<void> {
      co_await sleep_for(2ms);
      event.pulse();
    }(news));
    REQUIRE(co_await b->wait_readable(soon(), &news) == Wake::ready);
    REQUIRE(b->try_fill() == 0);
    group.spawn([](Stream& stream) -> Task<void> {
      co_await sleep_for(2ms);
      stream.cancel();
    }(*b));
    auto cut = co_await b->fill(soon());
    REQUIRE(cut.error().is(Errc::cancelled));
    co_await group.join();
  }());
}

TEST_CASE("STARTTLS drops injected plaintext, chooses by SNI and checks names", "[unit][net]") {
  const TestCertificate one("one.test"), two("two.test");
  run_blocking([](const TestCertificate& first, const TestCertificate& second) -> Task<void> {
    auto server = TlsServer::load({.certificates = {first.files, second.files}, .alpn = {}, .client_ca = ""});
    REQUIRE(server);
    TlsClient::Options options;
    options.ca_file = second.files.certificate;
    auto client = TlsClient::load(options);
    REQUIRE(client);
    {
      auto [a, b] = Stream::memory_pair();
      b->write("INJECTED\r\n");
      REQUIRE(co_await b->flush(soon()));
      REQUIRE(co_await a->fill(soon()));
      Result<void> outcome = fail(Errc::internal, "");
      TaskGroup group;
      group.spawn(serve_tls(*a, *server, outcome));
      REQUIRE(co_await b->start_tls_client(*client, "two.test", soon()));
      co_await group.join();
      REQUIRE(outcome);
      REQUIRE(a->buffered().empty());
      REQUIRE(a->tls_info().sni == "two.test");
      REQUIRE(a->tls_info().protocol == "TLSv1.3");
      REQUIRE(!a->channel_binding_exporter().empty());
      REQUIRE(a->channel_binding_exporter() == b->channel_binding_exporter());
      REQUIRE(a->channel_binding_server_end_point() == b->channel_binding_server_end_point());
      // 3 MB through TLS, both ends at once.
      const std::string big(3 << 20, 'z');
      group.spawn([](Stream& stream, const std::string& bytes) -> Task<void> {
        auto sent = co_await stream.write_all(bytes, soon());
        REQUIRE(sent);
      }(*b, big));
      auto got = co_await a->read_exactly(big.size(), soon());
      REQUIRE(got == big);
      co_await group.join();
    }
    {
      auto [a, b] = Stream::memory_pair();
      Result<void> outcome = fail(Errc::internal, "");
      TaskGroup group;
      group.spawn(serve_tls(*a, *server, outcome));
      auto refused = co_await b->start_tls_client(*client, "other.test", soon());
      REQUIRE_FALSE(refused);
      b->close();
      co_await group.join();
      REQUIRE_FALSE(outcome);
    }
  }(one, two));
  auto missing =
      TlsServer::load({.certificates = {{"/no/such.crt", "/no/such.key"}}, .alpn = {}, .client_ca = ""});
  REQUIRE(missing.error().message().find("/no/such.crt") != std::string::npos);
}

TEST_CASE("a listener accepts what dial connects", "[unit][net]") {
  run_blocking([]() -> Task<void> {
    for (const std::string& where :
         {std::string("127.0.0.1:0"), "unix:/tmp/dromos-net-" + std::to_string(getpid()) + ".sock"}) {
      auto listener = Listener::bind(*Address::parse(where));
      REQUIRE(listener);
      TaskGroup group;
      int accepted = 0;
      group.spawn((*listener)->accept_loop(
          [&](int fd, Address) {
            ++accepted;
            ::close(fd);
          },
          group.token()));
      for (int i = 0; i < 5; ++i) {
        auto stream = co_await dial((*listener)->address(), soon());
        REQUIRE(stream);
        auto end = co_await (*stream)->fill(soon());
        REQUIRE(end == size_t{0});
      }
      REQUIRE(accepted == 5);
      const Address address = (*listener)->address();
      co_await group.close();
      listener->reset();
      auto refused = co_await dial(address, soon());
      REQUIRE_FALSE(refused);
      REQUIRE(refused.error().may_retry());
    }
  }());
}

/// A server that takes no more connections: dialling it hangs.
struct Deaf {
  int fd;
  std::vector<int> waiting;
  Address address;
  explicit Deaf(const Address& where) : fd(::socket(where.family(), SOCK_STREAM, 0)) {
    REQUIRE(::bind(fd, where.get(), where.length()) == 0);
    REQUIRE(::listen(fd, 0) == 0);
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
    address = where.is_unix() ? where : Address(reinterpret_cast<const sockaddr*>(&storage), length);
    for (int i = 0; i < 4; ++i) {
      waiting.push_back(::socket(where.family(), SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)::connect(waiting.back(), address.get(), address.length());
    }
  }
  ~Deaf() {
    for (const int one : waiting) ::close(one);
    ::close(fd);
    if (address.is_unix()) ::unlink(address.ip().c_str());
  }
};

Task<void> dial_into(Address address, Deadline deadline, CancelToken token, std::optional<Error>& error) {
  auto stream = co_await dial(address, deadline, {}, token);
  if (!stream) error = stream.error();
}

TEST_CASE("dialling a host that does not answer ends when cancelled or at its deadline", "[unit][net]") {
  for (const std::string& where :
       {std::string("127.0.0.1:0"), "unix:/tmp/dromos-deaf-" + std::to_string(getpid()) + ".sock"}) {
    const Deaf deaf(*Address::parse(where));
    run_blocking([](const Deaf& server) -> Task<void> {
      std::optional<Error> error;
      co_await dial_into(server.address, Deadline::after(milliseconds(50)), {}, error);
      REQUIRE(error);
      REQUIRE(error->retry() == Retry::timeout);

      CancelSource source;
      TaskGroup group;
      error.reset();
      group.spawn(dial_into(server.address, Deadline::never(), source.token(), error));
      co_await sleep_for(milliseconds(50));
      REQUIRE_FALSE(error);
      source.cancel();
      co_await group.join();
      REQUIRE(error);
      REQUIRE(error->is(Errc::cancelled));

      error.reset();
      co_await dial_into(server.address, Deadline::never(), source.token(), error);
      REQUIRE(error);
      REQUIRE(error->is(Errc::cancelled));
    }(deaf));
  }
}

TEST_CASE("PROXY headers parse whole, byte by byte, or not at all", "[unit][net]") {
  const std::string v1 = "PROXY TCP4 192.0.2.1 192.0.2.2 5000 25\r\n";
  std::string v2("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16);
  v2 += std::string("\xc0\0\2\1\xc0\0\2\2\x13\x88\0\x19", 12);
  for (const std::string& header : {v1, v2}) {
    const std::string bytes = header + "EHLO x\r\n";
    for (size_t n = 0; n < header.size(); ++n) {
      auto part = parse_proxy_header(bytes.substr(0, n));
      REQUIRE(part);
      REQUIRE_FALSE(*part);
    }
    auto whole = parse_proxy_header(bytes);
    REQUIRE((*whole)->length == header.size());
    REQUIRE((*whole)->source->to_string() == "192.0.2.1:5000");
  }
  REQUIRE_FALSE(parse_proxy_header("EHLO x\r\n"));
  REQUIRE_FALSE(parse_proxy_header("PROXY TCP4 ::1 ::1 1 2\r\n"));
  REQUIRE_FALSE(parse_proxy_header("PROXY " + std::string(200, 'x')));
  REQUIRE((*parse_proxy_header("PROXY UNKNOWN\r\n"))->source == std::nullopt);
}
