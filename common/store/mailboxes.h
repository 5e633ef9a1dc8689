// The mailbox tree of an account. Paths are levels from the root, "INBOX" in any case. All writes are one
// transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct Counts {
  int64_t count = 0;
  int64_t seen = 0;
  int64_t bytes = 0;
};

struct Mailbox {
  MailboxId id;
  MailboxId parent;  ///< 0: root
  std::string name;
  std::string special_use;  ///< "inbox", "drafts", ... or ""
  bool subscribed = false;
  bool selectable = true;
  int32_t sort_order = 0;
  uint32_t uidvalidity = 0;
  uint64_t uidnext = 1;
  int64_t highestmodseq = 0;  ///< last change of anything in it
  int64_t modseq = 0;         ///< last change of its own properties
  int64_t created_modseq = 0;
  uint64_t recent_from = 1;  ///< messages from this uid on are \\Recent (RFC 3501 §2.3.2)
  Counts all;
  Counts live;  ///< without \Deleted: what JMAP counts
};

/// All mailboxes of an account in one snapshot with its states.
struct MailboxTree {
  int64_t modseq = 0;
  int64_t mailbox_modseq = 0;  ///< JMAP Mailbox state
  int64_t email_modseq = 0;
  int64_t thread_modseq = 0;
  int32_t state_epoch = 0;
  std::vector<Mailbox> mailboxes;  ///< by id
  const Mailbox* find(MailboxId id) const;
  const Mailbox* find(const std::vector<std::string>& path) const;
  std::vector<std::string> path_of(MailboxId id) const;
};

struct MailboxCreated {
  MailboxId id;
  uint32_t uidvalidity = 0;
  Change change;
};

/// Empty optionals stay as they are.
struct MailboxUpdate {
  std::optional<std::vector<std::string>> path;  ///< missing superiors are made
  std::optional<std::string> special_use;        ///< "" takes it away
  std::optional<bool> subscribed;
  std::optional<int32_t> sort_order;
};

/// Mailboxes whose name at one level lies between two, and those below them.
struct MailboxRange {
  std::vector<std::string> above;  ///< the path of that level; may be empty
  std::string first, last;         ///< by octets; at the root INBOX is always among them, unless they are one
  size_t levels = 0;               ///< of the result, that of the range included; 0: all below
};

struct RangedMailbox {
  Mailbox mailbox;
  std::vector<std::string> path;
  bool has_children = false;
};

class Mailboxes {
 public:
  explicit Mailboxes(db::Pool& pool) : pool_(pool) {}

  Task<Result<MailboxTree>> tree(AccountId account, Deadline deadline);
  /// The mailbox at a path (INBOX at the root in any case), however many others the account has.
  Task<Result<std::optional<Mailbox>>> find(AccountId account, std::vector<std::string> path,
                                            Deadline deadline);
  /// Of a tree only these mailboxes and those above them; no states. One that is gone is left out.
  Task<Result<MailboxTree>> tree_of(AccountId account, const std::vector<MailboxId>& mailboxes,
                                    Deadline deadline);
  /// What changed after a modseq, however many mailboxes there are.
  struct Moved {
    int64_t modseq = 0;              ///< the account's
    bool names = false;              ///< mailboxes came, went or changed, or nobody knows: read the tree
    std::vector<Mailbox> mailboxes;  ///< with messages that came, went or changed
  };
  Task<Result<Moved>> moved(AccountId account, int64_t since, Deadline deadline);
  /// However many others the account has; in no particular order.
  Task<Result<std::vector<RangedMailbox>>> in_range(AccountId account, MailboxRange range, Deadline deadline);
  /// One mailbox with its counters (STATUS).
  Task<Result<Mailbox>> get(AccountId account, MailboxId mailbox, Deadline deadline);
  Task<Result<MailboxCreated>> create(AccountId account, std::vector<std::string> path,
                                      std::optional<std::string> special_use, bool subscribed,
                                      Deadline deadline);
  /// RENAME, SUBSCRIBE, JMAP Mailbox/set. INBOX is renamed by rename_inbox.
  Task<Result<Change>> update(AccountId account, MailboxId mailbox, MailboxUpdate update, Deadline deadline);
  Task<Result<MailboxCreated>> rename_inbox(DeliveryId id, AccountId account, std::vector<std::string> path,
                                            Deadline deadline);
  Task<Result<Change>> remove(AccountId account, MailboxId mailbox, bool with_messages, Deadline deadline);
  /// Raises Mailbox::recent_from. May be lost in a crash.
  Task<Result<void>> set_recent(AccountId account, MailboxId mailbox, uint64_t from, Deadline deadline);
  /// Messages with a uid from `from` on.
  Task<Result<uint64_t>> count_from(AccountId account, MailboxId mailbox, uint64_t from, Deadline deadline);
  /// Subscribed names whose mailboxes were deleted; levels separated by "/".
  Task<Result<std::vector<std::string>>> lost_subscriptions(AccountId account, Deadline deadline);
  /// False: there is none of that name.
  Task<Result<bool>> unsubscribe_lost(AccountId account, std::string path, Deadline deadline);
  Task<Result<std::vector<std::string>>> keywords(AccountId account, MailboxId mailbox, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
