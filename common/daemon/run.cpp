// run(): from argv to exit status. Signals come in through a pipe-like libevent event on the main reactor.
#include <event2/event.h>
#include <event2/event_struct.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

#include "common/daemon/notify.h"
#include "common/daemon/runtime.h"
#include "common/http/client.h"
#include "common/log/log.h"

namespace dromos::daemon {

namespace {

std::string default_config() {
  const char* path = std::getenv("DROMOS_CONFIG");
  return path != nullptr ? path : "/etc/dromos/dromos.yaml";
}

struct Arguments {
  std::string config = default_config();
  std::string ports_file;
  bool check = false;
  bool probe = false;
};

constexpr int kExitUsage = 64, kExitUnavailable = 69, kExitConfig = 78;

// Nothing, or an exit status to end with.
std::optional<int> parse_arguments(int argc, char** argv, Arguments& out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--config" && has_value) {
      out.config = argv[++i];
    } else if (word == "--ports-file" && has_value) {
      out.ports_file = argv[++i];
    } else if (word == "--check-config") {
      out.check = true;
    } else if (word == "--probe") {
      out.probe = true;
    } else if (word == "--version") {
      std::cout << "dromos " << DROMOS_VERSION << "\n";
      return 0;
    } else {
      const bool help = word == "--help";
      (help ? std::cout : std::cerr)
          << "usage: " << argv[0]
          << " [--config FILE] [--ports-file FILE] [--check-config] [--probe] [--version]\n";
      return help ? 0 : kExitUsage;
    }
  }
  return std::nullopt;
}

log::Level level_named(const std::string& name) {
  if (name == "debug") return log::Level::debug;
  if (name == "warn") return log::Level::warn;
  return name == "error" ? log::Level::error : log::Level::info;
}

void configure_log(const config::Config& config, config::Daemon kind) {
  log::Options options;
  options.daemon = config::to_string(kind);
  options.format = config.log.format == "json" ? log::Format::json : log::Format::logfmt;
  options.level = level_named(config.log.level);
  options.journal = log::stderr_is_journal();
  log::configure(options);
}

// For health checks in images that hold no HTTP client: asks the running daemon's /readyz.
int probe(const config::Config& config, config::Daemon kind) {
  const auto& where = config.common(kind).metrics;
  const bool any = where.host.empty() || where.host == "0.0.0.0" || where.host == "::";
  const auto address = net::Address::from_ip(any ? "127.0.0.1" : where.host, where.port);
  if (!address) {
    std::cerr << address.error().message() << "\n";
    return kExitConfig;
  }
  http::ClientOptions options;
  options.address = *address;
  http::ClientRequest request;
  request.target = "/readyz";
  const auto answer = http::request_blocking(std::move(options), std::move(request), milliseconds(2000));
  if (answer && answer->status == 200) return 0;
  std::cerr << (answer ? answer->body : answer.error().message()) << "\n";
  return kExitUnavailable;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Without this, glibc raises its threshold to the largest block it has seen freed, and the 19 MiB of each
// password hash stay in the heap for ever.
void give_memory_back() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

void write_ports(const std::string& path, const std::string& json) {
  // Renamed into place, so that whoever waits for the file never reads half of it.
  const std::string temporary = path + ".new";
  std::ofstream(temporary) << json;
  std::rename(temporary.c_str(), path.c_str());
}

}  // namespace

// The life of the daemon as a coroutine of the main reactor.
struct Main {
  Runtime& runtime;
  App& app;
  const Arguments& arguments;
  Event stop;
  Event reload;
  int status = 0;

  Task<void> live() {
    auto started = co_await start();
    if (!started) {
      log::error("daemon.start_failed", {{"err", started.error()}});
      status = started.error().is(Errc::invalid_argument) ? kExitConfig : kExitUnavailable;
    } else {
      TaskGroup background;
      background.spawn(reload_certificates(background.token()));
      background.spawn(pet_watchdog(background.token()));
      co_await stop.wait();
      co_await background.close();
    }
    co_await end();
    Reactor::current().stop();
  }

  Task<Result<void>> start() {
    CO_TRY_VOID(runtime.load_tls());
    CO_TRY_VOID(co_await app.start(runtime));
    CO_TRY_VOID(runtime.open_ops());
    CO_TRY_VOID(runtime.rpc_->start());
    runtime.start_accepting();
    if (!arguments.ports_file.empty()) write_ports(arguments.ports_file, runtime.ports_json());
    notify("READY=1");
    log::info("daemon.ready", {{"workers", runtime.workers().count()}, {"config", runtime.config().path}});
    co_return Result<void>{};
  }

  Task<void> end() {
    notify("STOPPING=1");
    log::info("daemon.draining", {{"connections", runtime.workers().connections()}});
    runtime.draining_ = true;
    const Deadline deadline = Deadline::after(runtime.config().common(runtime.kind()).drain_timeout);
    co_await runtime.watching_.close();
    co_await runtime.accepting_.close();
    for (auto& bound : runtime.bound_)
      bound.listener.reset();  // handlers may still be on their way to a worker
    co_await app.drain(deadline);
    co_await runtime.rpc_->stop();
    if (runtime.ops_) co_await runtime.ops_->drain(Deadline::after(milliseconds(200)));
    co_await runtime.ops_tasks_.join();
    log::info("daemon.stopped", {});
  }

  Task<void> reload_certificates(CancelToken token) {
    while (true) {
      reload.reset();
      const Wake wake = co_await reload.wait(Deadline::never(), token);
      if (wake == Wake::cancelled) co_return;
      auto loaded = runtime.load_tls();
      if (loaded)
        log::info("tls.reloaded", {});
      else
        log::error("tls.reload_failed", {{"err", loaded.error()}});  // the old certificates stay in use
    }
  }

  Task<void> pet_watchdog(CancelToken token) {
    const auto interval = watchdog_interval();
    if (interval.count() == 0) co_return;
    while (!token.cancelled()) {
      notify("WATCHDOG=1");
      co_await sleep_for(interval, token);
    }
  }
};

namespace {

void on_signal(evutil_socket_t number, short, void* arg) {
  auto* main = static_cast<Main*>(arg);
  if (number == SIGHUP) return main->reload.set();
  if (main->stop.is_set()) _exit(1);  // asked twice: at once
  main->stop.set();
}

int live(config::Config config, config::Daemon kind, const Arguments& arguments, App& app) {
  Reactor reactor;
  Runtime runtime(std::move(config), kind);
  Main main{runtime, app, arguments, {}, {}, 0};
  const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
  event* events[3];
  for (int i = 0; i < 3; ++i) {
    events[i] = evsignal_new(reactor.base(), numbers[i], on_signal, &main);
    event_add(events[i], nullptr);
  }
  {
    TaskGroup group;
    group.spawn(main.live());
    reactor.run();
  }
  for (event* e : events) event_free(e);
  return main.status;
}

}  // namespace

int run(int argc, char** argv, config::Daemon kind, std::function<std::unique_ptr<App>()> make) {
  Arguments arguments;
  if (const auto status = parse_arguments(argc, argv, arguments)) return *status;
  auto config = config::load(arguments.config, kind);
  if (!config) {
    std::cerr << config.error().text();
    return kExitConfig;
  }
  if (arguments.check) {
    std::cout << arguments.config << ": ok\n";
    return 0;
  }
  if (arguments.probe) return probe(*config, kind);
  raise_descriptor_limit();
  give_memory_back();
  configure_log(*config, kind);
  try {
    const auto app = make();
    return live(std::move(*config), kind, arguments, *app);
  } catch (const std::exception& e) {
    log::error("daemon.failed", {{"err", e.what()}});
    return 1;
  }
}

}  // namespace dromos::daemon
