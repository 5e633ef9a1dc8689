// Worker: what the sessions of one reactor thread share: database pool, store, directory, selected mailboxes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/config/config.h"
#include "common/directory/directory.h"
#include "common/net/tls.h"
#include "common/store/annotations.h"
#include "common/store/blob_store.h"
#include "common/store/changes.h"
#include "common/store/deliverer.h"
#include "common/store/entries.h"
#include "common/store/mailboxes.h"
#include "common/store/messages.h"
#include "common/store/private_seen.h"
#include "common/store/quota.h"
#include "common/store/sharing.h"
#include "common/store/url_keys.h"
#include "imapd/service/account_watch.h"
#include "imapd/service/limits.h"
#include "imapd/service/mailbox_registry.h"

namespace dromos::imapd {

class HeaderCache;
class KeyCache;
class RecentMessages;
class TextCache;
namespace pop3 {
class SentCache;
}

struct Worker {
  struct Options {
    db::Pool::Options pool;
    std::shared_ptr<MailboxCache> mailboxes;  // of the whole process
    std::shared_ptr<AccountWatch> accounts;   // of the whole process
    std::shared_ptr<KeyCache> keys;           // likewise
    std::shared_ptr<TextCache> texts;         // likewise
    std::shared_ptr<HeaderCache> headers;     // likewise
    std::shared_ptr<RecentMessages> recent;   // likewise
    std::shared_ptr<pop3::SentCache> sent;    // likewise
    store::GroupCommit* commit = nullptr;     ///< of the whole process; outlives the worker
    std::string blob_folder;                  ///< empty: bytes are in the database
    std::shared_ptr<directory::LoginState> logins;
    std::shared_ptr<Limits> limits;
    uint32_t connections = 0;  ///< of all workers
    const config::Imapd* config = nullptr;
    bool has_tls = false;
    std::function<std::shared_ptr<const net::TlsServer>()> tls;
    /// Tells other daemons and the other workers; thread-safe.
    std::function<void(store::Change)> publish;
    /// Something was moved into or out of Junk: there is a lesson for spamd. Thread-safe.
    std::function<void()> junk_moved;
    /// There may be a run of flags to fold. Thread-safe.
    std::function<void()> many_flagged;
  };
  explicit Worker(Options given);

  /// After a mutation of ours: everybody learns of it.
  void changed(store::Change change) {
    if (change) options.publish(change);
  }
  Task<void> close();

  const Options options;
  const config::Imapd& config;
  db::Pool pool;
  std::unique_ptr<store::BlobStore> blobs;
  store::Mailboxes mailboxes;
  store::Entries entries;
  store::Messages messages;
  store::Changes changes;
  store::Quotas quotas;
  store::Annotations annotations;
  store::UrlKeys url_keys;
  store::Sharing sharing;
  store::PrivateSeens private_seen;
  store::Deliverer deliverer;
  directory::Directory directory;
  MailboxRegistry registry;
};

}  // namespace dromos::imapd
