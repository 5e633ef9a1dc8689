#include "admind/service/services.h"

#include <algorithm>

#include "common/log/log.h"

namespace dromos::admind {

namespace {

db::Pool::Options pool_options(const daemon::Runtime& runtime) {
  db::Pool::Options options;
  options.conninfo = runtime.conninfo();
  const size_t workers = config::worker_count(runtime.config(), runtime.kind());
  options.max = std::max<size_t>(2, runtime.config().database.max_connections / std::max<size_t>(1, workers));
  return options;
}

}  // namespace

Services::Services(daemon::Runtime& in, std::shared_ptr<directory::LoginState> state)
    : runtime(in),
      logins(std::move(state)),
      pool(pool_options(in)),
      directory(pool, logins),
      admin(pool, logins->gate),
      administrators(pool, *logins),
      acl(pool),
      queue(pool),
      reindex(pool),
      traces(pool),
      collector(pool) {}

rpc::Client& Services::peer(config::Daemon daemon) {
  auto& client = peers_[static_cast<size_t>(daemon)];
  if (!client) client = std::make_unique<rpc::Client>(runtime.rpc_to(daemon));
  return *client;
}

Task<void> Services::announce() {
  auto epoch = co_await directory.config_epoch(Deadline::after(seconds(2)));
  if (epoch)
    runtime.hints().publish_epoch(*epoch);
  else
    log::warn("epoch.unannounced", {{"err", epoch.error()}});
}

Task<void> Services::close() {
  co_await background.close();
  for (auto& client : peers_) client.reset();
  co_await pool.close();
}

}  // namespace dromos::admind
