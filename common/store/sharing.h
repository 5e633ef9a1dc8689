// Mailboxes shared between accounts (RFC 4314): who may do what, what a reader sees of others, subscriptions
// to it, and COPY and MOVE from one account to another.
//
// The store does what it is told; whoever acts for a reader asks for the rights first. The owner's rights are
// all, always, and stand in no list.
#pragma once

#include <string>
#include <vector>

#include "common/store/blob_store.h"
#include "common/store/entries.h"
#include "common/store/rights.h"

namespace dromos::store {

/// A mailbox of another account on which a reader has some right.
struct SharedMailboxInfo {
  AccountId account;
  std::string login;            ///< of the owner
  bool shared_account = false;  ///< nobody's own: the account is there to be shared
  MailboxId mailbox;
  Rights rights = 0;
  bool subscribed = false;
  std::optional<int64_t> own_seen;  ///< messages with \Seen, where that is the reader's own (private_seen.h)
};

struct AclEntry {
  std::string identifier;  ///< login, "group:" + address, "anyone"; "-" before it: taken away
  Rights rights = 0;
};

enum class AclOp : int32_t { replace = 0, add = 1, remove = 2 };

/// Entries::copy and move across accounts.
struct AcrossResult : TransferResult {
  Change source_change;  ///< of a move
};

class Sharing {
 public:
  Sharing(db::Pool& pool, BlobStore& blobs) : pool_(pool), blobs_(blobs) {}

  /// By owner's login, accounts of persons first.
  Task<Result<std::vector<SharedMailboxInfo>>> visible_to(AccountId reader, Deadline deadline);
  Task<Result<Rights>> rights(AccountId reader, AccountId owner, MailboxId mailbox, Deadline deadline);
  Task<Result<std::vector<AclEntry>>> acl(AccountId owner, MailboxId mailbox, Deadline deadline);
  /// No rights with AclOp::replace removes the identifier. StoreErrc::not_allowed: no such identifier, or the
  /// owner's.
  Task<Result<Change>> set_acl(AccountId owner, MailboxId mailbox, std::string identifier, AclOp op,
                               Rights rights, Deadline deadline);
  /// The change is one of the reader's account.
  Task<Result<Change>> subscribe(AccountId reader, AccountId owner, MailboxId mailbox, bool wanted,
                                 Deadline deadline);
  /// Rises whenever rights are given or taken, whoever's.
  Task<Result<int64_t>> modseq(Deadline deadline);

  /// Entries::store with FlagOp::replace by a reader who holds only `rights`.
  Task<Result<StoreResult>> replace_flags(AccountId owner, MailboxId mailbox, const UidSet& uids,
                                          FlagSet flags, Rights rights,
                                          std::optional<int64_t> unchanged_since, Deadline deadline);

  struct Transfer {
    AccountId from;
    MailboxId source;
    UidSet uids;
    AccountId to;
    MailboxId target;
    bool move = false;
    Rights rights = kAllRights;  ///< on the target: flags that they do not cover stay behind
    AccountId reader;            ///< whose \Seen goes along, where it is each reader's own
  };
  /// One transaction. Idempotent by `id`.
  Task<Result<AcrossResult>> transfer(DeliveryId id, Transfer transfer, Deadline deadline);

 private:
  Task<Result<void>> stage_files(const Transfer& transfer, Deadline deadline);
  db::Pool& pool_;
  BlobStore& blobs_;
};

}  // namespace dromos::store
