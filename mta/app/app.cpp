#include "mta/app/app.h"

#include <dromos/queue/v1/queue.pb.h>

#include <unistd.h>

#include <vector>

#include "common/daemon/runtime.h"
#include "common/dns/resolver.h"
#include "common/store/blob_store.h"
#include "mta/app/worker.h"
#include "mta/outbound/own_addresses.h"
#include "mta/outbound/queue_runner.h"
#include "mta/service/metrics.h"
#include "mta/service/prepared.h"

namespace dromos::mta {
namespace {

class MtaApp final : public daemon::App {
 public:
  Task<Result<void>> start(daemon::Runtime& runtime) override {
    runtime_ = &runtime;
    if (const std::string& folder = runtime.config().store.folder; !folder.empty())
      CO_TRY_VOID(store::check_blob_folder(folder, true));
    shared_ = std::make_unique<Shared>(runtime);
    shared_->hooks.changed = [&runtime](std::vector<store::Change> changes) {
      std::vector<rpc::Hint> hints;
      for (const store::Change& change : changes) hints.push_back({change.account, change.modseq});
      if (!hints.empty()) runtime.hints().publish(std::move(hints));
    };
    shared_->hooks.queued = [this] { wake_queue(); };
    for (size_t i = 0; i < runtime.workers().count(); ++i) {
      auto made = runtime.on_worker(i, make_worker(*shared_));
      workers_.push_back(co_await std::move(made));
    }
    runtime.watch_database(workers_[0]->pool());
    dromos::metrics::Registry::global().gauge_callback(
        "dromos_mta_inflight_bytes", "Budgeted bytes of mail being received.",
        [this] { return static_cast<double>(shared_->budget.used()); });
    CO_TRY_VOID(open_doors());
    CO_TRY_VOID(start_queue());
    add_rpc();
    watch_config();
    co_return Result<void>{};
  }

  Task<void> drain(Deadline deadline) override {
    // Clients hear it at once, while the queue runner ends its transactions.
    for (size_t i = 0; i < workers_.size(); ++i)
      runtime_->workers().reactor(i).post([worker = workers_[i].get()] { worker->begin_drain(); });
    if (epochs_) co_await epochs_->close();
    // Sessions still put mail into the queue; the next to run it finds it there.
    if (queue_) co_await queue_->close();
    co_await running_.close();
    TaskGroup draining;
    for (size_t i = 0; i < workers_.size(); ++i) draining.spawn(end_worker(i, deadline));
    co_await draining.join();
    co_await shared_->commit.close();
    co_await shared_->commit_pool.close();
  }

 private:
  static Task<std::unique_ptr<Worker>> make_worker(Shared& shared) {
    co_return std::make_unique<Worker>(shared);
  }

  static Task<void> end(std::unique_ptr<Worker>& worker, Deadline deadline) {
    co_await worker->drain(deadline);
    worker.reset();
  }

  Task<void> end_worker(size_t index, Deadline deadline) {
    auto task = runtime_->on_worker(index, end(workers_[index], deadline));
    co_await std::move(task);
  }

  // Beside the sessions of worker 0, which is the main reactor.
  Result<void> start_queue() {
    TRY(resolver_, make_resolver(runtime_->config()));
    Worker& home = *workers_[0];
    QueueRunnerParts parts{
        .pool = home.pool(),
        .deliverer = home.deliverer(),
        .directory = home.directory(),
        .resolver = *resolver_,
        .make_message = [](std::string raw,
                           TraceId trace) { return message_of(std::move(raw), trace, Clock::now_us()); },
        .changed = shared_->hooks.changed,
        .own_addresses = own_addresses(runtime_->addresses("mx")),
    };
    queue_ = std::make_unique<QueueRunner>(queue_runner_options(runtime_->config()), std::move(parts));
    running_.spawn(queue_->run(running_.token()));
    return {};
  }

  Result<void> open_doors() {
    const config::Mta& config = shared_->config;
    struct {
      const char* name;
      const std::vector<config::Listener>& listeners;
      Door door;
    } const doors[] = {
        {"mx", config.mx, {Kind::mx, false}},
        {"submission", config.submission, {Kind::submission, false}},
        {"submissions", config.submissions, {Kind::submission, true}},
        {"lmtp", config.lmtp, {Kind::lmtp, false}},
    };
    for (const auto& each : doors) {
      const Door door = each.door;
      TRY_VOID(runtime_->listen(each.name, each.listeners, [this, door](daemon::Incoming incoming) {
        // A connection may be on its way while the worker ends.
        if (Worker* worker = workers_[incoming.worker].get())
          worker->serve(std::move(incoming), door);
        else
          ::close(incoming.fd);
      }));
    }
    return {};
  }

  void add_rpc() {
    using dromos::queue::v1::WakeRequest;
    using dromos::queue::v1::WakeResponse;
    const auto wake = [this](rpc::CallInfo, WakeRequest) -> Task<Result<WakeResponse>> {
      wake_queue();
      return answered();
    };
    runtime_->rpc().add("/dromos.queue.v1.Queue/Wake", {"admind", "jmapd", "mta"},
                        rpc::unary<WakeRequest, WakeResponse>(wake));
  }
  static Task<Result<dromos::queue::v1::WakeResponse>> answered() {
    co_return dromos::queue::v1::WakeResponse();
  }

  // admind tells of a changed directory; without it cached answers die by age.
  void watch_config() {
    rpc::HintSubscriber::Callbacks callbacks;
    callbacks.changed = [](const std::vector<rpc::Hint>&) {};
    callbacks.resync = [](const std::string&) {};
    callbacks.epoch = [this](int64_t epoch) {
      for (size_t i = 0; i < workers_.size(); ++i)
        runtime_->workers().reactor(i).post([this, i, epoch] {
          if (workers_[i]) workers_[i]->directory().note_epoch(epoch);
        });
    };
    epochs_ = std::make_unique<rpc::HintSubscriber>("mta", std::move(callbacks));
    epochs_->watch("admind", runtime_->rpc_to(config::Daemon::admind));
  }

  /// Any thread; after the runner is made, before which no session runs.
  void wake_queue() {
    if (queue_) queue_->wake();
  }

  daemon::Runtime* runtime_ = nullptr;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<rpc::HintSubscriber> epochs_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<QueueRunner> queue_;
  TaskGroup running_;
};

}  // namespace

std::unique_ptr<daemon::App> make_app() {
  return std::make_unique<MtaApp>();
}

}  // namespace dromos::mta
