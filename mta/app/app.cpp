#include "mta/app/app.h"

#include <dromos/queue/v1/queue.pb.h>

#include <unistd.h>

#include <vector>

#include "common/daemon/runtime.h"
#include "mta/app/worker.h"
#include "mta/service/metrics.h"

namespace dromos::mta {
namespace {

class MtaApp final : public daemon::App {
 public:
  Task<Result<void>> start(daemon::Runtime& runtime) override {
    runtime_ = &runtime;
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
    runtime.add_readiness(
        [this]() -> std::string { return workers_[0]->pool().healthy() ? "" : "database is not reachable"; });
    dromos::metrics::Registry::global().gauge_callback(
        "dromos_mta_inflight_bytes", "Budgeted bytes of mail being received.",
        [this] { return static_cast<double>(shared_->budget.used()); });
    add_rpc();
    watch_config();
    CO_TRY_VOID(open_doors());
    co_return Result<void>{};
  }

  Task<void> drain(Deadline deadline) override {
    if (epochs_) co_await epochs_->close();
    TaskGroup draining;
    for (size_t i = 0; i < workers_.size(); ++i) draining.spawn(end_worker(i, deadline));
    co_await draining.join();
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

  /// Any thread.
  void wake_queue() {}

  daemon::Runtime* runtime_ = nullptr;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<rpc::HintSubscriber> epochs_;
};

}  // namespace

std::unique_ptr<daemon::App> make_app() {
  return std::make_unique<MtaApp>();
}

}  // namespace dromos::mta
