// SharedMailbox: a mailbox that sessions of this worker have selected. Holds its newest version, follows the
// store by modseq, and tells its watchers when it moved.
#pragma once

#include <memory>
#include <vector>

#include "common/async/sync.h"
#include "common/base/ids.h"
#include "common/store/entries.h"
#include "common/store/mailboxes.h"
#include "imapd/service/keyword_sets.h"
#include "imapd/service/mailbox_version.h"

namespace dromos::imapd {

/// Told, on the worker's thread, that the mailbox has a newer version or is gone. Must not suspend.
class MailboxWatcher {
 public:
  virtual void mailbox_changed() = 0;

 protected:
  ~MailboxWatcher() = default;
};

class SharedMailbox {
 public:
  SharedMailbox(AccountId account, MailboxId id) : account_(account), id_(id) {}

  AccountId account() const { return account_; }
  MailboxId id() const { return id_; }
  uint32_t uidvalidity() const { return uidvalidity_; }
  const VersionPtr& current() const { return current_; }
  const KeywordSets& keywords() const { return keywords_; }
  bool gone() const { return gone_; }
  bool loaded() const { return loaded_; }

  /// Reads the whole mailbox, or what changed since. After it the version holds all that had been committed
  /// when it was called. StoreErrc::not_found: no such mailbox.
  Task<Result<void>> refresh(store::Mailboxes& mailboxes, store::Entries& entries, Deadline deadline);

  void watch(MailboxWatcher& watcher) { watchers_.push_back(&watcher); }
  void unwatch(MailboxWatcher& watcher);
  bool watched() const { return !watchers_.empty(); }
  size_t memory() const { return sizeof *this + current_->memory() + keywords_.memory(); }

 private:
  Task<Result<void>> load(store::Mailboxes& mailboxes, store::Entries& entries, Deadline deadline);
  Task<Result<void>> follow(store::Entries& entries, Deadline deadline);
  MessageItem item_of(const store::Entry& entry);
  void publish(VersionPtr version);

  const AccountId account_;
  const MailboxId id_;
  uint32_t uidvalidity_ = 0;
  KeywordSets keywords_;
  VersionPtr current_ = MailboxVersion::empty();
  std::vector<MailboxWatcher*> watchers_;
  Mutex reading_;
  uint64_t asked_ = 0;    // refreshes wanted
  uint64_t covered_ = 0;  // of which a read has begun later than they were wanted
  bool loaded_ = false;
  bool gone_ = false;
};

}  // namespace dromos::imapd
