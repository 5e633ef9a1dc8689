#include "common/http/server.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "common/async/task_group.h"
#include "common/http/client.h"
#include "common/http/event_source.h"
#include "common/http/ops_endpoint.h"
#include "common/http/problem.h"

using namespace dromos;
using namespace dromos::http;

namespace {

const Deadline kSoon = Deadline::after(seconds(60));

Task<Response> hello(Request& request) {
  co_return Response(200, "text/plain", "hello " + std::string(request.parameter("name")));
}

Task<Response> echo(Request& request) {
  Result<std::string> body = co_await request.read_all();
  if (!body) co_return Response(200, "text/plain", "the server replaces this");
  co_return Response(200, "application/octet-stream", std::move(*body));
}

Task<Response> count_pieces(Request& request) {
  size_t bytes = 0;
  while (true) {
    const Result<std::string_view> piece = co_await request.read();
    if (!piece || piece->empty()) break;
    bytes += piece->size();
  }
  co_return Response(200, "text/plain", std::to_string(bytes));
}

Task<Response> ignore_body(Request&) {
  co_return Response(204);
}

Task<Response> throws(Request&) {
  throw std::runtime_error("a bug");
  co_return Response(200);
}

class Numbers : public BodySource {
 public:
  Numbers(int count, std::optional<uint64_t> size, bool fails) : left_(count), size_(size), fails_(fails) {}
  std::optional<uint64_t> size() const override { return size_; }
  Task<Result<std::string_view>> next() override {
    if (left_ == 0 && fails_) co_return fail(unavailable_error("store is gone"));
    if (left_ == 0) co_return std::string_view{};
    text_ = std::string(static_cast<size_t>(left_--), 'x');
    co_return std::string_view(text_);
  }

 private:
  int left_;
  std::optional<uint64_t> size_;
  bool fails_;
  std::string text_;
};

Task<Response> numbers(Request& request) {
  Response out(200);
  const std::string kind(request.parameter("kind"));
  const auto size = kind == "sized"  ? std::optional<uint64_t>(6)
                    : kind == "liar" ? std::optional<uint64_t>(99)
                                     : std::nullopt;
  out.source = std::make_unique<Numbers>(3, size, kind == "broken");
  co_return out;
}

struct Fixture {
  Router router;
  std::shared_ptr<EventSource> events = EventSource::create(milliseconds(0));
  std::vector<std::string> log;

  Fixture() {
    router.add(Method::get, "/hello/{name}", hello);
    router.add(Method::post, "/echo", echo, {.body_limit = 1000});
    router.add(Method::post, "/count", count_pieces, {.body_limit = 10'000'000});
    router.add(Method::post, "/ignore", ignore_body, {.body_limit = 10'000'000});
    router.add(Method::get, "/throws", throws);
    router.add(Method::get, "/numbers/{kind}", numbers);
    router.add(Method::get, "/events", [this](Request&) { return answer(events->response()); });
    mount_ops(router, {.metrics = [] { return std::string("dromos_up 1\n"); },
                       .healthy = nullptr,
                       .ready = [] { return std::string("no database"); }});
  }
  static Task<Response> answer(Response response) { co_return std::move(response); }
};

/// Sends `bytes` in pieces of `step`, ends its side, and returns all that the server says until it closes.
Task<void> talk(Fixture& fixture, ServerOptions options, std::string bytes, size_t step, std::string& out) {
  Server server(fixture.router, options);
  server.set_observer([&](const Exchange& e) {
    fixture.log.push_back(std::to_string(e.status) + " " + std::string(e.error));
  });
  auto [mine, theirs] = net::Stream::memory_pair();
  TaskGroup group;
  group.spawn(server.serve(std::move(theirs)));
  while (!bytes.empty()) {
    const Result<void> sent = co_await mine->write_all(bytes.substr(0, step), kSoon);
    if (!sent) break;
    bytes.erase(0, std::min(step, bytes.size()));
    co_await Reactor::current().yield();
  }
  ::shutdown(mine->fd(), SHUT_WR);
  while (true) {
    const Result<size_t> got = co_await mine->fill(kSoon);
    if (!got || *got == 0) break;
  }
  out = mine->buffered();
  co_await group.join();
}

std::string converse(Fixture& fixture, const std::string& bytes, ServerOptions options = {},
                     size_t step = 100'000) {
  std::string out;
  run_blocking(talk(fixture, options, bytes, step, out));
  return out;
}

/// Splits what a server said into "status body".
std::vector<std::string> answers(std::string_view bytes, std::vector<Method> methods = {}) {
  std::vector<std::string> out;
  ResponseParser parser;
  std::string body;
  while (true) {
    if (!methods.empty()) parser.expect(methods[std::min(out.size(), methods.size() - 1)]);
    const ParseEvent event = parser.feed(bytes);
    bytes.remove_prefix(event.consumed);
    body += event.data;
    if (event.kind == ParseEvent::Kind::end) {
      out.push_back(std::to_string(parser.head().status) + " " + body);
      body.clear();
      if (bytes.empty()) return out;
      parser.next();
    }
    if (event.kind == ParseEvent::Kind::need_more || event.kind == ParseEvent::Kind::error) {
      out.push_back("torn " + body);
      return out;
    }
  }
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
std::string post(const std::string& path, const std::string& body, const std::string& fields = "") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("pipelined requests are answered in order, whole and byte by byte", "[unit][http]") {
  Fixture fixture;
  const std::string bytes =
      get("/hello/bob") + post("/echo", "abc") + get("/hello/al%20ice?x=y") +
      post("/count", std::string(5000, 'x')) +
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n" +
      get("/nowhere");
  for (const size_t step : {size_t{1}, size_t{13}, size_t{100'000}}) {
    const auto all = answers(converse(fixture, bytes, {}, step));
    REQUIRE(all.size() == 6);
    CHECK(all[0] == "200 hello bob");
    CHECK(all[1] == "200 abc");
    CHECK(all[2] == "200 hello al ice");
    CHECK(all[3] == "200 5000");
    CHECK(all[4] == "200 xyz");
    CHECK(all[5].starts_with("404 {\"type\":\"about:blank\""));
  }
}

TEST_CASE("heads carry date, trace and security fields, and HEAD has no body", "[unit][http]") {
  Fixture fixture;
  Clock::set_for_test(784111777000000);
  const std::string out =
      converse(fixture, "HEAD /hello/bob HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello/eve"));
  Clock::set_for_test(0);
  CHECK(out.find("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n") != std::string::npos);
  CHECK(out.find("X-Trace-Id: ") != std::string::npos);
  CHECK(out.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
  CHECK(out.find("Content-Length: 9\r\n") != std::string::npos);
  CHECK(out.find("hello bob") == std::string::npos);
  CHECK(answers(out, {Method::head, Method::get}) == Strings{"200 ", "200 hello eve"});
}

TEST_CASE("methods, limits and faults have their own answers", "[unit][http]") {
  Fixture fixture;
  CHECK(converse(fixture, post("/hello/bob", "")).find("Allow: GET, HEAD, OPTIONS\r\n") != std::string::npos);
  CHECK(converse(fixture, "OPTIONS /echo HTTP/1.1\r\nHost: a\r\n\r\n").find("204 No Content") !=
        std::string::npos);
  CHECK(answers(converse(fixture, post("/echo", std::string(1000, 'x')))).at(0) ==
        "200 " + std::string(1000, 'x'));
  const std::string large = converse(fixture, post("/echo", std::string(1001, 'x')) + get("/hello/bob"));
  CHECK(large.starts_with("HTTP/1.1 413 "));
  CHECK(large.find("Connection: close") != std::string::npos);
  CHECK(answers(large).size() == 1);
  const std::string chunks =
      converse(fixture, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n" +
                            std::string(1024, 'x') + "\r\n0\r\n\r\n");
  CHECK(chunks.starts_with("HTTP/1.1 413 "));
  fixture.log.clear();
  const auto thrown = answers(converse(fixture, get("/throws") + get("/hello/bob")));
  CHECK(thrown.at(0).starts_with("500 "));
  CHECK(thrown.at(0).find("a bug") == std::string::npos);
  CHECK(thrown.at(1) == "200 hello bob");
  CHECK(fixture.log == Strings{"500 a bug", "200 "});
  CHECK(converse(fixture, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(converse(fixture, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
            .starts_with("HTTP/1.1 400 "));
}

TEST_CASE("an unread body does not become the next request", "[unit][http]") {
  Fixture fixture;
  const std::string inner = get("/hello/mallory");
  const auto small = answers(converse(fixture, post("/ignore", inner) + get("/hello/bob"), {}, 20));
  CHECK(small == Strings{"204 ", "200 hello bob"});
  const auto large = answers(
      converse(fixture, post("/ignore", std::string(300'000, 'x') + inner) + get("/hello/bob"), {}, 5000));
  CHECK(large == Strings{"204 "});
}

TEST_CASE("100-continue is sent when the handler wants the body and not before", "[unit][http]") {
  Fixture fixture;
  const std::string head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  CHECK(answers(converse(fixture, head + "abc", {}, 1)) == Strings{"100 ", "200 abc"});
  const std::string refused =
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3000\r\n\r\n";
  const auto all = answers(converse(fixture, refused));
  REQUIRE(all.size() == 1);
  CHECK(all[0].starts_with("413 "));
}

TEST_CASE("body sources are sent chunked, sized or by close, and tear where they fail", "[unit][http]") {
  Fixture fixture;
  CHECK(answers(converse(fixture, get("/numbers/chunked") + get("/hello/bob"))) ==
        Strings{"200 xxxxxx", "200 hello bob"});
  const std::string sized = converse(fixture, get("/numbers/sized"));
  CHECK(sized.find("Content-Length: 6\r\n") != std::string::npos);
  CHECK(answers(sized) == Strings{"200 xxxxxx"});
  const std::string old = converse(fixture, "GET /numbers/chunked HTTP/1.0\r\n\r\n");
  CHECK(old.find("Transfer-Encoding") == std::string::npos);
  CHECK(old.ends_with("\r\n\r\nxxxxxx"));
  CHECK(answers(converse(fixture, get("/numbers/broken") + get("/hello/bob"))) == Strings{"torn xxxxxx"});
  CHECK(answers(converse(fixture, get("/numbers/liar") + get("/hello/bob"))) == Strings{"torn xxxxxx"});
}

TEST_CASE("slow heads and bodies are cut off, idle connections closed", "[unit][http]") {
  Fixture fixture;
  ServerOptions options;
  options.head_time = options.body_grace = options.idle_time = milliseconds(20);
  struct Local {
    static Task<void> run(Fixture& fixture, ServerOptions options, std::string bytes, std::string& out) {
      Server server(fixture.router, options);
      auto [mine, theirs] = net::Stream::memory_pair();
      TaskGroup group;
      group.spawn(server.serve(std::move(theirs)));
      if (!bytes.empty()) REQUIRE(co_await mine->write_all(bytes, kSoon));
      while (true) {  // never closes its side: only the server's clock can end this
        const Result<size_t> got = co_await mine->fill(kSoon);
        if (!got || *got == 0) break;
      }
      out = mine->buffered();
      mine->close();
      co_await group.join();
    }
  };
  std::string out;
  run_blocking(Local::run(fixture, options, "GET / HTTP/1.1\r\nHo", out));
  CHECK(out.starts_with("HTTP/1.1 408 "));
  run_blocking(
      Local::run(fixture, options, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", out));
  CHECK(out.starts_with("HTTP/1.1 408 "));
  run_blocking(Local::run(fixture, options, "", out));
  CHECK(out.empty());
  options.write_time = milliseconds(20);
  options.max_requests = 2;
  run_blocking(Local::run(fixture, options, get("/hello/a") + get("/hello/b") + get("/hello/c"), out));
  CHECK(answers(out) == Strings{"200 hello a", "200 hello b"});
}

TEST_CASE("a client that takes nothing is dropped at the write deadline", "[unit][http]") {
  struct Local {
    static Task<Response> large(Request&) {
      co_return Response(200, "text/plain", std::string(20'000'000, 'x'));
    }
    static Task<void> run() {
      Router router;
      router.add(Method::get, "/large", large);
      ServerOptions options;
      options.write_time = milliseconds(50);
      Server server(router, options);
      auto [mine, theirs] = net::Stream::memory_pair();
      TaskGroup group;
      group.spawn(server.serve(std::move(theirs)));
      REQUIRE(co_await mine->write_all(get("/large"), kSoon));
      CHECK(co_await group.join(kSoon) == Wake::ready);
      CHECK(server.connections() == 0);
    }
  };
  run_blocking(Local::run());
}

TEST_CASE("events stream as they are published and end with the client or the server", "[unit][http]") {
  struct Local {
    static Task<void> run(Fixture& fixture, bool client_leaves) {
      Server server(fixture.router, {});
      auto [mine, theirs] = net::Stream::memory_pair();
      TaskGroup group;
      group.spawn(server.serve(std::move(theirs)));
      auto client = std::make_unique<Client>(ClientOptions{}, std::move(mine));
      ClientRequest request;
      request.target = "/events";
      const Result<ResponseHead> head = co_await client->open(request, kSoon);
      REQUIRE(head);
      CHECK(head->headers.value("content-type") == "text/event-stream");
      CHECK(server.active_requests() == 0);
      CHECK(fixture.events->publish({"state", "{\"a\":1}\n{}", "7"}));
      const Result<std::string> piece = co_await client->read(kSoon);
      REQUIRE(piece);
      CHECK(*piece == "event: state\nid: 7\ndata: {\"a\":1}\ndata: {}\n\n");
      if (client_leaves) {
        client.reset();
      } else {
        co_await server.drain(kSoon);
        const Result<std::string> end = co_await client->read(kSoon);
        REQUIRE(end);
        CHECK(end->empty());
      }
      co_await group.join();
      CHECK(fixture.events->closed());
      CHECK_FALSE(fixture.events->publish({"state", "x", ""}));
    }
  };
  for (const bool client_leaves : {true, false}) {
    Fixture fixture;
    run_blocking(Local::run(fixture, client_leaves));
  }
}

TEST_CASE("a quiet event stream pings, a slow reader's is cut", "[unit][http]") {
  struct Local {
    static Task<void> ping() {
      auto events = EventSource::create(milliseconds(5));
      Response response = events->response();
      const Result<std::string_view> piece = co_await response.source->next();
      REQUIRE(piece);
      CHECK(*piece == ": ping\n\n");
    }
    static Task<void> overrun() {
      auto events = EventSource::create(milliseconds(0), 100);
      Response response = events->response();
      CHECK(events->publish({"", "x", ""}));
      CHECK_FALSE(events->publish({"", std::string(200, 'x'), ""}));
      CHECK_FALSE(co_await response.source->next());
    }
  };
  run_blocking(Local::ping());
  run_blocking(Local::overrun());
  CHECK(encode_event({"a\nb", "x\r\ny\rz", ""}) == "event: ab\ndata: x\ndata: y\ndata: z\n\n");
}

TEST_CASE("drain closes idle connections at once and refuses new ones", "[unit][http]") {
  struct Local {
    static Task<void> run(Fixture& fixture) {
      Server server(fixture.router, {});
      auto [mine, theirs] = net::Stream::memory_pair();
      TaskGroup group;
      group.spawn(server.serve(std::move(theirs)));
      Client client({}, std::move(mine));
      ClientRequest request;
      request.target = "/hello/bob";
      const Result<ClientResponse> response = co_await client.request(request, kSoon);
      REQUIRE(response);
      CHECK(server.connections() == 1);
      co_await server.drain(kSoon);
      CHECK(server.connections() == 0);
      auto [late, late_end] = net::Stream::memory_pair();
      co_await server.serve(std::move(late_end));
      CHECK(co_await late->fill(kSoon));
      CHECK(late->buffered().starts_with("HTTP/1.1 503 "));
      co_await group.join();
    }
  };
  Fixture fixture;
  run_blocking(Local::run(fixture));
}

TEST_CASE("budgets of requests and body bytes answer 503", "[unit][http]") {
  Fixture fixture;
  ServerOptions options;
  options.max_body_bytes = 100;
  CHECK(answers(converse(fixture, post("/echo", std::string(100, 'x')) + post("/echo", std::string(100, 'x')),
                         options))
            .size() == 2);
  const std::string over = converse(fixture, post("/echo", std::string(101, 'x')), options);
  CHECK(over.starts_with("HTTP/1.1 503 "));
  CHECK(over.find("Retry-After: ") != std::string::npos);
  options = {};
  options.max_active_requests = 0;
  CHECK(converse(fixture, get("/hello/bob"), options).starts_with("HTTP/1.1 503 "));
  options = {};
  options.max_connections = 0;
  CHECK(converse(fixture, get("/hello/bob"), options).starts_with("HTTP/1.1 503 "));
}

TEST_CASE("operations endpoints answer from their callbacks", "[unit][http]") {
  Fixture fixture;
  const auto all = answers(converse(fixture, get("/metrics") + get("/healthz") + get("/readyz")));
  CHECK(all == Strings{"200 dromos_up 1\n", "200 ok\n", "503 no database\n"});
}

TEST_CASE("requests are served over TLS with HSTS, by a client that verifies", "[unit][http]") {
  struct Local {
    static Task<void> run(Fixture& fixture, std::string folder) {
      net::TlsServer::Options server_options;
      server_options.certificates.push_back({folder + "/cert.pem", folder + "/key.pem"});
      const auto tls_server = net::TlsServer::load(server_options);
      REQUIRE(tls_server);
      net::TlsClient::Options client_options;
      client_options.ca_file = folder + "/cert.pem";
      const auto tls_client = net::TlsClient::load(client_options);
      REQUIRE(tls_client);
      Server server(fixture.router, {});
      auto [mine, theirs] = net::Stream::memory_pair();
      TaskGroup group;
      group.spawn(server.serve(std::move(theirs), *tls_server));
      REQUIRE(co_await mine->start_tls_client(*tls_client, "mail.example.test", kSoon));
      ClientOptions options;
      options.host = "mail.example.test";
      Client client(std::move(options), std::move(mine));
      for (int i = 0; i < 2; ++i) {
        ClientRequest request;
        request.method = Method::post;
        request.target = "/echo";
        request.body = std::string(900, 'x');
        const Result<ClientResponse> response = co_await client.request(std::move(request), kSoon);
        REQUIRE(response);
        CHECK(response->status == 200);
        CHECK(response->body == std::string(900, 'x'));
        CHECK(response->headers.has("strict-transport-security"));
      }
      co_await server.drain(kSoon);
      co_await group.join();
    }
  };
  char folder[] = "/tmp/dromos-http-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string at = folder;
  const std::string make =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x -addext " +
      std::string("subjectAltName=DNS:mail.example.test -keyout ") + at + "/key.pem -out " + at +
      "/cert.pem 2>/dev/null";
  REQUIRE(std::system(make.c_str()) == 0);
  Fixture fixture;
  run_blocking(Local::run(fixture, at));
  std::filesystem::remove_all(at);
}
