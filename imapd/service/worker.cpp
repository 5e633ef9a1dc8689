#include "imapd/service/worker.h"

namespace dromos::imapd {

Worker::Worker(Options given)
    : options(std::move(given)),
      config(*options.config),
      pool(options.pool),
      blobs(store::make_blob_store(pool, options.blob_folder)),
      mailboxes(pool),
      entries(pool),
      messages(pool, *blobs),
      changes(pool),
      quotas(pool),
      annotations(pool),
      url_keys(pool),
      sharing(pool, *blobs),
      private_seen(pool),
      deliverer(pool, *blobs, *options.commit),
      directory(pool, options.logins),
      registry(mailboxes, entries, private_seen, options.mailboxes) {}

Task<void> Worker::close() {
  co_await registry.close();
  co_await deliverer.close();
  co_await pool.close();
}

}  // namespace dromos::imapd
