// Services: what the requests of one worker thread stand on; Shared: what all threads of the process share.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "common/config/config.h"
#include "common/db/pool.h"
#include "common/directory/directory.h"
#include "common/directory/login_state.h"
#include "common/store/blob_store.h"
#include "common/store/changes.h"
#include "common/store/deliverer.h"
#include "common/store/entries.h"
#include "common/store/hint_accounts.h"
#include "common/store/mailboxes.h"
#include "common/store/messages.h"
#include "common/store/threads.h"
#include "jmapd/service/account_view.h"

namespace dromos::jmapd {

/// Bytes of account views kept by the process.
inline constexpr size_t kViewBudget = 128 * 1024 * 1024;
inline constexpr uint32_t kConcurrentUploads = 4;

/// For callbacks that have nothing to wait for.
Task<Result<void>> done();

/// How many of something each account has running. Thread-safe.
class PerAccount {
 public:
  class [[nodiscard]] Held {
   public:
    Held(PerAccount* owner, AccountId account) : owner_(owner), account_(account) {}
    Held(Held&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), account_(other.account_) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (owner_ != nullptr) owner_->leave(account_);
    }

   private:
    PerAccount* owner_;
    AccountId account_;
  };
  explicit PerAccount(uint32_t limit) : limit_(limit) {}
  std::optional<Held> enter(AccountId account);

 private:
  void leave(AccountId account);
  const uint32_t limit_;
  std::mutex mutex_;
  std::unordered_map<AccountId, uint32_t> running_;
};

struct Shared {
  Shared(const config::Config& whole, db::Pool::Options pool,
         std::function<void(std::vector<store::Change>)> publish_changes)
      : config(whole),
        limits(whole.jmapd.limits),
        views(kViewBudget),
        requests(limits.concurrent_requests),
        uploads(kConcurrentUploads),
        event_sources(kMaxEventSources),
        commit_pool(std::move(pool)),
        commit(commit_pool),
        publish(std::move(publish_changes)) {}
  static constexpr uint32_t kMaxEventSources = 32;

  const config::Config& config;
  const config::JmapLimits& limits;
  ViewCache views;
  PerAccount requests;
  PerAccount uploads;
  PerAccount event_sources;
  /// Imports and creations of all workers, at home on the reactor that made this.
  db::Pool commit_pool;
  store::GroupCommit commit;
  /// Tells other daemons and our own EventSources. Thread-safe.
  const std::function<void(std::vector<store::Change>)> publish;
  std::shared_ptr<directory::LoginState> logins = std::make_shared<directory::LoginState>();
};

/// Belongs to one reactor.
class Services {
 public:
  Services(Shared& shared, db::Pool::Options options);
  Task<void> close();

  Shared& shared;
  db::Pool pool;
  std::unique_ptr<store::BlobStore> blobs;
  store::Deliverer deliverer;
  directory::Directory directory;
  store::Mailboxes mailboxes;
  store::Entries entries;
  store::Messages messages;
  store::Changes changes;
  store::Threads threads;

  Task<Result<AccountData>> account(AccountId id, Deadline deadline) {
    return shared.views.load(mailboxes, entries, id, deadline);
  }
  void publish(const store::Change& change) {
    if (change) shared.publish({change});
  }
  /// The message may have gone into or out of Junk: whoever teaches spamd looks.
  void publish_moved(const store::Change& change) {
    if (change) shared.publish({change, {store::kLessonHint, 1}});
  }
};

}  // namespace dromos::jmapd
