// Entries of mailboxes: loading what a snapshot needs, changes since a modseq, STORE, COPY, MOVE, EXPUNGE.
//
// Reads go in slices, each its own short snapshot, in uid order. To follow a mailbox: read its highestmodseq
// H first, load, then changes_since(H) forever after. Mutations are one transaction with one modseq.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"
#include "common/store/uid_set.h"

namespace dromos::store {

struct Entry {
  uint32_t uid = 0;
  int32_t flags = 0;
  int64_t modseq = 0;
  int64_t size = 0;
  int64_t received_us = 0;
  int64_t saved_us = 0;
  MessageId id;
  ThreadId thread;
  std::vector<std::string> keywords;
};

/// What happened to a mailbox after a modseq, in one snapshot.
struct EntryChanges {
  int64_t highestmodseq = 0;
  uint64_t uidnext = 1;
  bool mailbox_gone = false;
  /// True: older than the changelog's floor. `changed` is whole, but for `expunged` compare with all uids.
  bool expunged_unknown = false;
  std::vector<Entry> changed;  ///< new and altered entries, by uid
  UidSet expunged;
};

struct StoreResult {
  Change change;
  UidSet changed;
  UidSet failed;  ///< UNCHANGEDSINCE (RFC 7162 MODIFIED)
  /// The mailbox's highest modseq before it, 0 if not known: who had that state can work out the new one.
  int64_t before = 0;
  /// An answer was lost and it was done again: what the first try changed is not told here.
  bool repeated = false;
};

struct TransferResult {
  Change change;  ///< none: no such uids
  uint32_t uidvalidity = 0;
  UidSet source;           ///< in ascending order they became
  uint32_t first_uid = 0;  ///< first_uid, first_uid + 1, ...
};

struct ExpungeResult {
  Change change;
  UidSet uids;
  int64_t before = 0;     ///< as in StoreResult
  bool repeated = false;  ///< as in StoreResult
};

class Entries {
 public:
  static constexpr uint32_t kSlice = 8192;
  explicit Entries(db::Pool& pool) : pool_(pool) {}

  /// Entries with first <= uid <= last in uid order, slice by slice.
  Task<Result<void>> load(AccountId account, MailboxId mailbox, uint32_t first, uint32_t last,
                          std::function<void(const Entry&)> on_entry, Deadline deadline);
  /// One slice: at most `limit` entries from uid `first` on.
  Task<Result<std::vector<Entry>>> slice(AccountId account, MailboxId mailbox, uint32_t first, uint32_t limit,
                                         Deadline deadline);
  /// Entries of one message, in all mailboxes.
  struct Place {
    MailboxId mailbox;
    Entry entry;
  };
  Task<Result<std::vector<Place>>> places(AccountId account, std::vector<MessageId> ids, Deadline deadline);

  Task<Result<EntryChanges>> changes_since(AccountId account, MailboxId mailbox, int64_t modseq,
                                           Deadline deadline);

  /// A lost answer is settled by doing it again. With `unchanged_since` it cannot be: StoreErrc::unknown then
  /// means that changes_since tells whether it was done.
  Task<Result<StoreResult>> store(AccountId account, MailboxId mailbox, const UidSet& uids, FlagOp op,
                                  FlagSet flags, std::optional<int64_t> unchanged_since, Deadline deadline);
  Task<Result<TransferResult>> copy(DeliveryId id, AccountId account, MailboxId source, const UidSet& uids,
                                    MailboxId target, Deadline deadline);
  Task<Result<TransferResult>> move(DeliveryId id, AccountId account, MailboxId source, const UidSet& uids,
                                    MailboxId target, Deadline deadline);
  /// deleted_only: EXPUNGE; otherwise the uids go whatever their flags (POP3).
  Task<Result<ExpungeResult>> expunge(AccountId account, MailboxId mailbox, const UidSet& uids,
                                      bool deleted_only, Deadline deadline);
  /// JMAP Email/set of one message; an empty list of mailboxes destroys it. `unchanged_since` is the highest
  /// modseq of its entries as read: StoreErrc::conflict if any of them changed after it.
  Task<Result<Change>> set_email(AccountId account, MessageId id,
                                 std::optional<std::vector<MailboxId>> mailboxes,
                                 std::optional<FlagSet> flags, std::optional<int64_t> unchanged_since,
                                 Deadline deadline);

 private:
  Task<Result<TransferResult>> transfer(DeliveryId id, AccountId account, MailboxId source,
                                        const UidSet& uids, MailboxId target, bool move, Deadline deadline);
  db::Pool& pool_;
};

}  // namespace dromos::store
