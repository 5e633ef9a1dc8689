#include "spamd/app.h"

#include <thread>

#include "common/async/offload.h"
#include "common/metrics/metrics.h"
#include "spamd/service/prune.h"

namespace dromos::spamd {

SpamdApp::~SpamdApp() = default;

Task<Result<void>> SpamdApp::start(daemon::Runtime& runtime) {
  const config::Config& config = runtime.config();
  BlockingPool::set_threads(config.spamd.scan_threads > 0
                                ? config.spamd.scan_threads
                                : std::max(1u, std::thread::hardware_concurrency()));
  Engine::Options options;
  options.scan_size = config.spamd.scan_size.bytes;
  engine_ = std::make_unique<Engine>(options);
  db::Pool::Options pool;
  pool.conninfo = runtime.conninfo();
  pool.max = std::min<size_t>(config.database.max_connections, 4);
  pool_ = std::make_unique<db::Pool>(std::move(pool));
  store_ = std::make_unique<ModelStore>(*pool_);
  follower_ = std::make_unique<Follower>(*engine_, *store_);
  handlers_ = std::make_unique<Handlers>(*engine_, *store_, *follower_);
  handlers_->add_to(runtime.rpc());
  runtime.watch_database(*pool_);
  runtime.add_readiness(
      [this] { return follower_->loaded() ? std::string() : std::string("the model is not loaded yet"); });
  metrics::Registry::global().gauge_callback(
      "dromos_spamd_model_version", "Version of the model in memory.",
      [engine = engine_.get()] { return static_cast<double>(engine->version()); });
  metrics::Registry::global().gauge_callback(
      "dromos_spamd_model_bytes", "Memory of the model.",
      [engine = engine_.get()] { return static_cast<double>(engine->memory_bytes()); });
  jobs_ = std::make_unique<jobs::LeasedRunner>(*pool_, jobs::LeasedRunner::Options{.where = "spamd"});
  jobs_->add("spamd.prune", std::chrono::hours(1),
             [store = store_.get()](jobs::JobContext& context) { return prune(*store, context); });
  jobs_->start();
  tasks_.spawn(follower_->run(config.spamd.model_refresh, tasks_.token()));
  co_return Result<void>();
}

Task<void> SpamdApp::drain(Deadline deadline) {
  if (jobs_) co_await jobs_->close();  // none if the certificates could not be read
  co_await tasks_.close();
  if (pool_) co_await pool_->close();
}

}  // namespace dromos::spamd
