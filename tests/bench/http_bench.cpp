// Requests per second and CPU per request of the HTTP server: one reactor, a trivial handler, 16 kept
// connections over loopback TCP, one request in flight on each. The client runs on another thread; only the
// server's CPU is counted.
//
//   http_bench [seconds]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "common/async/task_group.h"
#include "common/http/server.h"
#include "common/net/listener.h"

using namespace dromos;

namespace {

constexpr int kConnections = 16;
constexpr std::string_view kRequest =
    "GET /api/v1/domains/example.test HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\n"
    "Accept: application/json\r\nAuthorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n";

Task<http::Response> answer(http::Request& request) {
  co_return http::Response(200, "application/json",
                           "{\"name\":\"" + std::string(request.parameter("name")) + "\"}");
}

struct Shared {
  std::atomic<int> port{0};
  std::atomic<Event*> stop{nullptr};
  std::atomic<Reactor*> reactor{nullptr};
};

Task<void> serve(Shared& shared) {
  http::Router router;
  router.add(http::Method::get, "/api/v1/domains/{name}", answer);
  http::ServerOptions options;
  options.max_requests = SIZE_MAX;
  http::Server server(router, options);
  auto address = net::Address::parse("127.0.0.1:0");
  auto listener = net::Listener::bind(*address);
  if (!listener) std::abort();
  Event stop;
  TaskGroup accepting, connections;
  accepting.spawn((*listener)->accept_loop(
      [&](int fd, net::Address peer) {
        connections.spawn(server.serve(std::make_unique<net::Stream>(fd, peer)));
      },
      accepting.token()));
  shared.reactor = &Reactor::current();
  shared.stop = &stop;
  shared.port = (*listener)->address().port();
  co_await stop.wait();
  co_await accepting.close();
  co_await server.drain(Deadline::after(seconds(5)));
  co_await connections.join();
}

int dial(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::abort();
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/// All answers have the same size, so the client need not parse.
size_t answer_size(int fd) {
  if (::send(fd, kRequest.data(), kRequest.size(), 0) < 0) std::abort();
  ::usleep(100'000);
  char buffer[8192];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0 || std::string_view(buffer, static_cast<size_t>(got)).substr(0, 12) != "HTTP/1.1 200")
    std::abort();
  return static_cast<size_t>(got);
}

double cpu_seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  const double wanted = argc > 1 ? std::atof(argv[1]) : 5;
  Shared shared;
  std::thread server([&] { run_blocking(serve(shared)); });
  while (shared.port == 0) ::usleep(1000);
  clockid_t clock;
  pthread_getcpuclockid(server.native_handle(), &clock);
  std::vector<int> fds;
  for (int i = 0; i < kConnections; ++i) fds.push_back(dial(shared.port));
  const size_t size = answer_size(fds[0]);

  const auto begin = std::chrono::steady_clock::now();
  const double cpu_before = cpu_seconds(clock);
  uint64_t requests = 0;
  double elapsed = 0;
  while (elapsed < wanted) {
    for (const int fd : fds)
      if (::send(fd, kRequest.data(), kRequest.size(), 0) < 0) std::abort();
    for (const int fd : fds) {
      char buffer[8192];
      if (::recv(fd, buffer, size, MSG_WAITALL) != static_cast<ssize_t>(size)) std::abort();
    }
    requests += fds.size();
    elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  const double cpu = cpu_seconds(clock) - cpu_before;
  std::printf(
      "http: %.0f requests/s, %.1f us CPU a request, %.0f requests per CPU second (%d connections, %zu "
      "bytes)\n",
      static_cast<double>(requests) / elapsed, cpu * 1e6 / static_cast<double>(requests),
      static_cast<double>(requests) / cpu, kConnections, size);
  for (const int fd : fds) ::close(fd);
  shared.reactor.load()->post([&] { shared.stop.load()->set(); });
  server.join();
}
