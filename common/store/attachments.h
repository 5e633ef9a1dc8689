// Attachments whose text somebody else has to read (PDF, Office): which messages wait for that, and their
// texts once it is there (mail.attachment_text). imapd's indexer says what waits, its attachment job reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"
#include "common/store/word_index.h"

namespace dromos::store {

class Attachments {
 public:
  /// A message that was begun so often without an end is given up.
  static constexpr int32_t kAttempts = 3;
  explicit Attachments(db::Pool& pool) : pool_(pool) {}

  /// How many are new.
  Task<Result<int64_t>> wait(AccountId account, std::vector<MessageId> ids, Deadline deadline);

  struct Waiting {
    AccountId account;
    MessageId message;
  };
  /// The newest message of the next account after `after`, in turn.
  Task<Result<std::optional<Waiting>>> next(AccountId after, Deadline deadline);
  /// Before its documents are opened. False: nothing to do any more.
  Task<Result<bool>> begin(const Waiting& one, Deadline deadline);

  struct Place {
    MailboxId mailbox;
    uint32_t uid = 0;
  };
  struct Done {
    int32_t texts = 0;
    int32_t failures = 0;
    std::string reason;  ///< of the first failure
    bool has_text = false;
    bool truncated = false;
    std::string packed;     ///< the message's whole search text (codec.h), if has_text
    WordDocument document;  ///< its words, likewise
  };
  /// Text, words and outcome in one transaction; not flushed. Where the message is shown.
  Task<Result<std::vector<Place>>> put(const Waiting& one, Done done, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
