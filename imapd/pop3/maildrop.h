// Maildrop: INBOX as it was at login (RFC 1939 §4): message numbers, unique ids, and the marks of this
// session. It shares the mailbox version that IMAP sessions use; nothing is locked, so others may expunge
// meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/store/uid_set.h"
#include "imapd/service/worker.h"

namespace dromos::imapd::pop3 {

class Maildrop {
 public:
  /// INBOX of the account, as new as the store.
  static Task<Result<Maildrop>> open(Worker& worker, AccountId account, Deadline deadline);
  Maildrop() = default;
  Maildrop(MailboxId mailbox, uint32_t uidvalidity, VersionPtr version);

  MailboxId mailbox() const { return mailbox_; }
  /// Message numbers go from 1 to last(), marked ones included.
  uint32_t last() const { return version_->size(); }
  uint32_t uidvalidity() const { return uidvalidity_; }
  /// The message, unless there is none of this number or it is marked.
  const MessageItem* find(uint32_t number) const;
  /// What is not marked.
  uint32_t count() const { return last() - marked_count_; }
  /// The last uid below `end`, marked or not; 0: none.
  uint32_t last_uid_below(uint64_t end) const;
  /// Stable for ever while the mailbox keeps its UIDVALIDITY (RFC 1939 §7, UIDL).
  std::string unique_id(const MessageItem& item) const;

  void mark_deleted(uint32_t number);
  void mark_read(uint32_t number);
  /// RSET: no message is marked as deleted.
  void reset();
  store::UidSet deleted() const;
  /// Read, kept, and without \Seen at login.
  store::UidSet newly_read() const;

 private:
  MailboxId mailbox_;
  uint32_t uidvalidity_ = 0;
  VersionPtr version_ = MailboxVersion::empty();
  // By message number less one; empty until the first mark.
  std::vector<bool> deleted_;
  std::vector<bool> read_;
  uint32_t marked_count_ = 0;
};

}  // namespace dromos::imapd::pop3
