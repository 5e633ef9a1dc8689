// AccountView: all emails of an account as JMAP sees them (DESIGN: the store, mailboxes): entries of one
// message joined over mailboxes, \Deleted ones invisible, $seen only if set in all, other flags if in any.
// Immutable; shared by all requests and worker threads.
//
// ViewCache keeps the last view of each account within a byte budget and moves it on by what changed in the
// mailboxes that changed.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/store/entries.h"
#include "common/store/mailboxes.h"

namespace dromos::jmapd {

struct EmailRow {
  MessageId id;
  ThreadId thread;
  int64_t received_us = 0;
  int64_t size = 0;
  int32_t flags = 0;
  std::vector<MailboxId> mailboxes;  ///< ascending
  MailboxId place;                   ///< one of them, with the uid there
  uint32_t uid = 0;
  std::vector<std::string> keywords;  ///< lower-case, sorted, without those that are flags
  bool in(MailboxId mailbox) const;
  /// `keyword` lower-case, "$seen" and the like included.
  bool has(std::string_view keyword) const;
  std::vector<std::string> all_keywords() const;
};

/// Flag bits to JMAP keywords; nothing for \Deleted.
std::vector<std::string> keywords_of(int32_t flags, const std::vector<std::string>& others);
/// The reverse; keywords are lowered and sorted.
store::FlagSet flags_of(const std::vector<std::string>& keywords);

/// Rows of the given places (ordered by message); invisible messages are left out.
std::vector<EmailRow> join_places(const std::vector<store::Entries::Place>& places);

class AccountView {
 public:
  /// Sorted by id.
  explicit AccountView(std::vector<EmailRow> emails);
  const std::vector<EmailRow>& emails() const { return emails_; }
  const EmailRow* find(MessageId id) const;
  /// Indices into emails().
  const std::vector<uint32_t>& thread(ThreadId thread) const;
  size_t bytes() const { return bytes_; }

 private:
  std::vector<EmailRow> emails_;
  std::unordered_map<ThreadId, std::vector<uint32_t>> threads_;
  size_t bytes_ = 0;
};

/// A view with the mailboxes and states it stands for: never older than they are.
struct AccountData {
  store::MailboxTree tree;
  std::shared_ptr<const AccountView> view;
};

/// Thread-safe.
class ViewCache {
 public:
  explicit ViewCache(size_t budget) : budget_(budget) {}
  Task<Result<AccountData>> load(store::Mailboxes& mailboxes, store::Entries& entries, AccountId account,
                                 Deadline deadline);

 private:
  struct Snapshot {
    int64_t highestmodseq = 0;
    std::vector<store::Entry> entries;  // by uid
  };
  struct Cached {
    int64_t epoch = 0;
    int64_t modseq = 0;
    std::unordered_map<MailboxId, std::shared_ptr<const Snapshot>> mailboxes;
    std::shared_ptr<const AccountView> view;
    size_t bytes = 0;
  };
  using CachedPtr = std::shared_ptr<const Cached>;

  CachedPtr get(AccountId account);
  void put(AccountId account, CachedPtr value);
  static Task<Result<std::shared_ptr<const Snapshot>>> snapshot(store::Entries& entries, AccountId account,
                                                                const store::Mailbox& mailbox,
                                                                std::shared_ptr<const Snapshot> old,
                                                                Deadline deadline);
  static std::shared_ptr<const AccountView> build(const Cached& parts);

  const size_t budget_;
  std::mutex mutex_;
  size_t used_ = 0;
  std::list<std::pair<AccountId, CachedPtr>> recent_;  // most recently used first
  std::unordered_map<AccountId, std::list<std::pair<AccountId, CachedPtr>>::iterator> index_;
};

}  // namespace dromos::jmapd
