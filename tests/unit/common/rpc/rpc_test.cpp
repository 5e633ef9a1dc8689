#include <unistd.h>
#include <catch2/catch.hpp>

#include "common/net/dialer.h"
#include "common/rpc/client.h"
#include "common/rpc/hints.h"
#include "common/rpc/server.h"

using namespace dromos;
using namespace std::chrono_literals;

namespace {

std::string socket_path() {
  static int count = 0;
  return "/tmp/dromos-rpc-" + std::to_string(getpid()) + "-" + std::to_string(++count) + ".sock";
}

Task<Result<std::string>> echo(rpc::CallInfo, std::string request) {
  co_await sleep_for(1ms);
  if (request == "bad") co_return fail(Errc::invalid_argument, "bad request");
  co_return "echo " + request;
}

rpc::Client::Options to(const std::string& path, std::string caller = "mta") {
  rpc::Client::Options options;
  options.target = "unix:" + path;
  options.caller = std::move(caller);
  return options;
}

}  // namespace

TEST_CASE("a daemon's own uid tells who calls, not its word", "[unit][rpc]") {
  run_blocking([]() -> Task<void> {
    const std::string path = socket_path();
    rpc::Server server({.unix_path = path, .daemon_of_uid = [](uid_t) { return std::string("spamd"); }});
    server.add("/t.T/Echo", {"mta"}, echo);
    server.add("/t.T/Learn", {"spamd"}, echo);
    REQUIRE(server.start().has_value());
    rpc::Client client(to(path, "mta"));
    const auto refused = co_await client.call("/t.T/Echo", "x", Deadline::after(seconds(5)));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().is(Errc::permission_denied));
    CHECK((co_await client.call("/t.T/Learn", "x", Deadline::after(seconds(5)))).has_value());
    co_await server.stop();
  }());
}

TEST_CASE("calls are answered, refused and timed out", "[unit][rpc]") {
  run_blocking([]() -> Task<void> {
    const std::string path = socket_path();
    rpc::Server server({.unix_path = path});
    server.add("/t.T/Echo", {"mta"}, echo);
    server.add("/t.T/Slow", {"*"}, [](rpc::CallInfo info, std::string) -> Task<Result<std::string>> {
      co_await sleep_for(10s, info.cancelled);
      co_return std::string();
    });
    REQUIRE(server.start());
    rpc::Client client(to(path));
    for (int i = 0; i < 100; ++i) {
      auto answer = co_await client.call("/t.T/Echo", std::to_string(i), Deadline::after(10s));
      REQUIRE(answer == "echo " + std::to_string(i));
    }
    auto bad = co_await client.call("/t.T/Echo", std::string("bad"), Deadline::after(10s));
    REQUIRE_FALSE(bad);
    REQUIRE(bad.error().is(Errc::invalid_argument));
    auto unknown = co_await client.call("/t.T/None", std::string(), Deadline::after(10s));
    REQUIRE(unknown.error().is(Errc::not_found));
    auto late = co_await client.call("/t.T/Slow", std::string(), Deadline::after(20ms));
    REQUIRE(late.error().retry() == Retry::timeout);
    rpc::Client stranger(to(path, "webmail"));
    auto denied = co_await stranger.call("/t.T/Echo", std::string("x"), Deadline::after(10s));
    REQUIRE(denied.error().is(Errc::permission_denied));
    auto health = co_await stranger.call("/grpc.health.v1.Health/Check", std::string(), Deadline::after(10s));
    REQUIRE(health == "\x08\x01");
    co_await server.stop();
  }());
}

TEST_CASE("large messages and many calls at once come through whole", "[unit][rpc]") {
  run_blocking([]() -> Task<void> {
    const std::string path = socket_path();
    rpc::Server server({.unix_path = path, .max_message = 12u << 20});
    server.add("/t.T/Echo", {"*"}, echo);
    REQUIRE(server.start());
    rpc::Client client(to(path));
    const std::string large(10u << 20, 'x');  // beyond every window
    auto answer = co_await client.call("/t.T/Echo", large, Deadline::after(30s));
    REQUIRE(answer == "echo " + large);
    auto refused = co_await client.call("/t.T/Echo", large + large, Deadline::after(30s));
    REQUIRE_FALSE(refused);
    struct Many {
      static Task<void> one(rpc::Client* client, int number, int* good) {
        const std::string text = std::string(static_cast<size_t>(number) * 500, 'y') + std::to_string(number);
        const auto got = co_await client->call("/t.T/Echo", text, Deadline::after(30s));
        *good += got == "echo " + text;
      }
    };
    int good = 0;
    TaskGroup group;
    for (int i = 0; i < 300; ++i) group.spawn(Many::one(&client, i, &good));
    co_await group.join();
    REQUIRE(good == 300);
    co_await server.stop();
  }());
}

TEST_CASE("a call under way fails when its server goes, and the next finds the new one", "[unit][rpc]") {
  run_blocking([]() -> Task<void> {
    const std::string path = socket_path();
    rpc::Client client(to(path));
    for (int round = 0; round < 2; ++round) {
      static bool cancelled;
      cancelled = false;
      rpc::Server server({.unix_path = path});
      server.add("/t.T/Echo", {"*"}, echo);
      server.add("/t.T/Slow", {"*"}, [](rpc::CallInfo info, std::string) -> Task<Result<std::string>> {
        cancelled = co_await sleep_for(60s, info.cancelled) == Wake::cancelled;
        co_return std::string();
      });
      REQUIRE(server.start());
      REQUIRE(co_await client.call("/t.T/Echo", std::string("x"), Deadline::after(10s)) == "echo x");
      struct Slow {
        static Task<void> call(rpc::Client* client, Result<std::string>* out) {
          *out = co_await client->call("/t.T/Slow", std::string(), Deadline::after(60s));
        }
      };
      Result<std::string> slow = std::string("none yet");
      TaskGroup group;
      group.spawn(Slow::call(&client, &slow));
      co_await sleep_for(20ms);
      co_await server.stop();
      co_await group.join();
      REQUIRE_FALSE(slow);
      CHECK(slow.error().may_retry());
      CHECK(cancelled);
    }
  }());
}

TEST_CASE("what is no HTTP/2 ends the connection and nothing else", "[unit][rpc]") {
  run_blocking([]() -> Task<void> {
    const std::string path = socket_path();
    rpc::Server server({.unix_path = path});
    server.add("/t.T/Echo", {"*"}, echo);
    REQUIRE(server.start());
    const auto address = net::Address::parse(path);
    const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (const std::string& bytes :
         {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\0'), preface + std::string(9, '\xff'),
          preface + std::string("\0\0\x04\x08\0\0\0\0\x01zzzz", 13), preface.substr(0, 10)}) {
      auto stream = co_await net::dial(*address, Deadline::after(5s));
      REQUIRE(stream);
      (void)co_await (*stream)->write_all(bytes, Deadline::after(5s));
      if (bytes.size() < preface.size()) continue;
      Result<size_t> got = size_t{1};
      while (got && *got > 0) {
        got = co_await (*stream)->fill(Deadline::after(10s));
        (*stream)->consume((*stream)->buffered().size());
      }
      CHECK((got || !got.error().is(Errc::timeout)));
    }
    rpc::Client client(to(path));
    REQUIRE(co_await client.call("/t.T/Echo", std::string("x"), Deadline::after(10s)) == "echo x");
    co_await server.stop();
  }());
}

TEST_CASE("a peer that is down fails calls at once once the breaker is open", "[unit][rpc]") {
  run_blocking([]() -> Task<void> {
    const std::string path = socket_path();
    rpc::Client client(to(path));
    for (int i = 0; i < 3; ++i) {
      auto answer = co_await client.call("/t.T/Echo", std::string("x"), Deadline::after(200ms));
      REQUIRE_FALSE(answer);
      REQUIRE(answer.error().may_retry());
    }
    REQUIRE(client.breaker_is_open());
    rpc::Server server({.unix_path = path});
    server.add("/t.T/Echo", {"mta"}, echo);
    REQUIRE(server.start());
    Result<std::string> answer = fail(Errc::internal, "");
    for (int i = 0; i < 100 && !answer; ++i) {
      co_await sleep_for(100ms);
      answer = co_await client.call("/t.T/Echo", std::string("x"), Deadline::after(5s));
    }
    REQUIRE(answer == "echo x");
    co_await server.stop();
  }());
}

TEST_CASE("hints reach subscribers, also after the publisher came back", "[unit][rpc]") {
  run_blocking([]() -> Task<void> {
    const std::string path = socket_path();
    int64_t seen = 0, epoch = 0;
    int resyncs = 0;
    rpc::HintSubscriber subscriber("imapd",
                                   {[&](const std::vector<rpc::Hint>& hints) {
                                      for (const auto& hint : hints) seen = hint.modseq;
                                    },
                                    [&](int64_t e) { epoch = e; }, [&](const std::string&) { ++resyncs; }});
    subscriber.watch("mta", to(path, "imapd"));
    for (int round = 1; round <= 2; ++round) {
      rpc::Server server({.unix_path = path});
      rpc::HintPublisher publisher(server);
      REQUIRE(server.start());
      for (int i = 0; i < 1000 && resyncs < round; ++i) co_await sleep_for(10ms);
      REQUIRE(resyncs == round);
      publisher.publish({{AccountId{7}, round * 10}});
      publisher.publish_epoch(round);
      for (int i = 0; i < 1000 && (seen != round * 10 || epoch != round); ++i) co_await sleep_for(1ms);
      REQUIRE(seen == round * 10);
      REQUIRE(epoch == round);
      co_await server.stop();
      REQUIRE(publisher.subscribers() == 0);
    }
    co_await subscriber.close();
  }());
}
