// SharedMailbox: a mailbox that sessions of this process have selected, on whatever worker. Holds its newest
// version, follows the store by modseq, and tells its watchers when it moved.
//
// Thread-safe. One session at a time reads the store, with the database pool of its own worker; others that
// want the mailbox refreshed wait for that read, or for the next if it began too early.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/async/sync.h"
#include "common/base/ids.h"
#include "common/store/entries.h"
#include "common/store/mailboxes.h"
#include "common/store/private_seen.h"
#include "imapd/service/keyword_sets.h"
#include "imapd/service/mailbox_version.h"
#include "imapd/service/reader_views.h"

namespace dromos::imapd {

/// Told, on the thread that called watch(), that the mailbox has a newer version or is gone. Must not
/// suspend, nor watch or unwatch.
class MailboxWatcher {
 public:
  virtual void mailbox_changed() = 0;

 protected:
  ~MailboxWatcher() = default;
};

class SharedMailbox : public std::enable_shared_from_this<SharedMailbox> {
 public:
  SharedMailbox(AccountId account, MailboxId id) : account_(account), id_(id) {}

  AccountId account() const { return account_; }
  MailboxId id() const { return id_; }
  uint32_t uidvalidity() const { return uidvalidity_; }
  VersionPtr current() const;
  /// What the guest sees, from the next refresh() on; followed as long as somebody holds it.
  std::shared_ptr<ReaderView> view_of(AccountId reader);
  VersionPtr current(const ReaderView& view) const;
  const KeywordSets& keywords() const { return keywords_; }
  KeywordSets& keywords() { return keywords_; }
  bool gone() const { return gone_; }
  bool loaded() const { return loaded_; }

  /// Reads the whole mailbox, or what changed since. After it the version holds all that had been committed
  /// when it was called. StoreErrc::not_found: no such mailbox.
  Task<Result<void>> refresh(store::Mailboxes& mailboxes, store::Entries& entries, store::PrivateSeens& seens,
                             Deadline deadline);

  /// The version after a write of this process, made from the one before it; null if it cannot be.
  using Step = std::function<VersionPtr(const MailboxVersion&)>;
  /// If the version is what the mailbox was right before the write (modseq `before`), it moves on without
  /// reading the store; else nothing happens, and the next refresh reads what was written.
  void advance(int64_t before, const Step& step);
  /// Messages that came at once, in uid order: all that happened in the mailbox from `before` to their
  /// modseq.
  void arrived(int64_t before, std::span<const store::Entry> entries);

  void watch(MailboxWatcher& watcher);
  void unwatch(MailboxWatcher& watcher);
  bool watched() const;
  /// Messages with uids from the first of the pair up to `uidnext` have not been told to any session that
  /// could claim them; now they have. RFC 3501 §2.3.2: they are recent to the caller alone.
  NumberSet claim_recent(uint64_t uidnext);
  /// As the store had it when the mailbox was loaded, or as sessions of this process have claimed since.
  uint64_t recent_from() const;
  /// With what differs for guests.
  size_t memory() const;

 private:
  struct Watch {
    Reactor* reactor;
    MailboxWatcher* watcher;
  };
  /// Who waits for another's read. The event belongs to the reactor.
  struct Waiting {
    explicit Waiting(Reactor& home) : reactor(home) {}
    Reactor& reactor;
    Event done;
  };
  class Reading;

  Task<Result<void>> read(store::Mailboxes& mailboxes, store::Entries& entries, store::PrivateSeens& seens,
                          Deadline deadline);
  Task<Result<void>> read_views(store::PrivateSeens& seens, bool moved, Deadline deadline);
  Task<Result<void>> load(store::Mailboxes& mailboxes, store::Entries& entries, Deadline deadline);
  Task<Result<void>> follow(store::Entries& entries, Deadline deadline);
  MessageItem item_of(const store::Entry& entry);
  void publish(VersionPtr version);
  void tell_watchers();
  void tell_watchers_here();

  const AccountId account_;
  const MailboxId id_;
  uint32_t uidvalidity_ = 0;  // written before loaded_, never after
  KeywordSets keywords_;
  std::atomic<bool> loaded_ = false;
  std::atomic<bool> gone_ = false;

  mutable std::mutex mutex_;  // held for a few instructions
  VersionPtr current_ = MailboxVersion::empty();
  std::vector<Watch> watchers_;
  ReaderViews views_;
  std::vector<std::shared_ptr<Waiting>> waiting_;
  bool reading_ = false;
  uint64_t recent_from_ = 1;
  uint64_t asked_ = 0;    // refreshes wanted
  uint64_t covered_ = 0;  // of which a read has begun later than they were wanted
};

}  // namespace dromos::imapd
