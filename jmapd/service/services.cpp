#include "jmapd/service/services.h"

namespace dromos::jmapd {

Task<Result<void>> done() {
  co_return Result<void>{};
}

std::optional<PerAccount::Held> PerAccount::enter(AccountId account) {
  const std::lock_guard lock(mutex_);
  uint32_t& running = running_[account];
  if (running >= limit_) return std::nullopt;
  ++running;
  return Held(this, account);
}

void PerAccount::leave(AccountId account) {
  const std::lock_guard lock(mutex_);
  const auto at = running_.find(account);
  if (--at->second == 0) running_.erase(at);
}

Services::Services(Shared& all, db::Pool::Options options)
    : shared(all),
      pool(std::move(options)),
      blobs(store::make_blob_store(pool, all.config.store.folder)),
      deliverer(pool, *blobs, all.commit),
      directory(pool, all.logins),
      mailboxes(pool),
      entries(pool),
      messages(pool, *blobs),
      changes(pool),
      threads(pool) {}

Task<void> Services::close() {
  co_await deliverer.close();
  co_await pool.close();
}

}  // namespace dromos::jmapd
