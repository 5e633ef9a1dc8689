// Reindex: which accounts' texts and words are to be made anew from the stored bytes, and how far that is
// (mail.reindex). admind asks, imapd's indexer does it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

class Reindex {
 public:
  explicit Reindex(db::Pool& pool) : pool_(pool) {}

  struct Progress {
    std::string address;  ///< of the account
    int64_t done = 0;
    int64_t failed = 0;  ///< of those
    int64_t total = 0;   ///< when it was asked for
    int64_t asked_us = 0;
    int64_t ended_us = 0;  ///< 0: under way
  };
  /// One account, or all of them; from the beginning if it is under way. How many accounts.
  Task<Result<int64_t>> ask(std::optional<AccountId> account, Deadline deadline);
  /// Under way first, then the newest.
  Task<Result<std::vector<Progress>>> list(int32_t limit, Deadline deadline);

  /// What became of texts that somebody may hold a copy of.
  struct News {
    int64_t mark = 0;     ///< changes whenever texts of the account were written anew; 0: never
    int64_t written = 0;  ///< of the newest text of attachments: `since` of the next call
    bool whole = false;   ///< too many to be named
    struct Place {
      MailboxId mailbox;
      uint32_t uid = 0;
    };
    std::vector<Place> places;  ///< messages whose attachments were read after `since`
  };
  Task<Result<News>> news(AccountId account, int64_t since, Deadline deadline);

  // For the indexer; shard = account_id % shards.
  struct Step {
    AccountId account;
    std::vector<MessageId> messages;  ///< none: the account is done
  };
  Task<Result<std::optional<Step>>> next(int32_t shard, int32_t shards, int32_t limit, Deadline deadline);
  struct Texts {
    std::vector<MessageId> ids;
    std::vector<bool> truncated;
    std::vector<std::string> data;  ///< packed (codec.h)
    std::vector<MessageId>
        later;  ///< made when their attachments are read (attachments.h): they wait for that
  };
  /// Texts of a step; messages in neither list could not be read. Takes their words out of the index, which
  /// has to put them again.
  Task<Result<void>> put(const Step& step, Texts texts, Deadline deadline);
  Task<Result<void>> end(AccountId account, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
