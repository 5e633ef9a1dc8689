// Word index: a stripped tsvector per message in mail.word_index, behind GIN(account_id, tsv). It finds
// stemmed words, prefixes and CJK text fast; it is written by a background job and may lag, so no answer
// depends on it: what is not indexed yet is the tail, and search() reads it. docs/formats/word-index.md.
//
// Words of a query are folded by mime::fold_case, like the text. A word is looked for by the stems of every
// language the account's mail was found to be in; stop words count for nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

/// any: subject, addresses (From, Sender, Reply-To, To, Cc, Bcc) and body.
enum class WordField { any, subject, address };

struct WordTerm {
  std::string text;  ///< folded; several words must all be there, in any order
  WordField field = WordField::any;
  bool prefix = false;  ///< the last word is the beginning of one
};

/// A message for the index; text folded, as mime::search_text has it.
struct WordDocument {
  MessageId id;
  std::string subject;
  std::string addresses;
  std::string body;
  std::string language = "simple";  ///< a snowball language of PostgreSQL ("german"), or "simple"
};

/// What an account's index lacks. When `messages` are put, `modseq` is its new position.
struct WordTail {
  std::vector<MessageId> messages;
  int64_t modseq = 0;
  bool whole = true;  ///< false: cut at the limit, the position must stay
};

struct WordCandidates {
  std::vector<MessageId> indexed;  ///< messages in the index that match
  std::vector<MessageId> tail;     ///< not indexed: to be searched otherwise
  bool tail_whole = true;          ///< false: even the tail is only its first kMaxTail messages
};

class WordIndex {
 public:
  /// Bytes of a body that are indexed; the rest of a longer one is left out.
  static constexpr size_t kMaxBody = 128 * 1024;
  static constexpr size_t kMaxTail = 4096;
  static constexpr size_t kMaxTerms = 32;

  explicit WordIndex(db::Pool& pool) : pool_(pool) {}

  /// Messages in the index that match all of `terms`, of any mailbox of the account (expunged ones in their
  /// retention may be among them: join with what the mailbox shows). No usable word: nothing is found.
  Task<Result<std::vector<MessageId>>> search(AccountId account, std::vector<WordTerm> terms,
                                              Deadline deadline);
  /// The same, and what is not indexed.
  Task<Result<WordCandidates>> candidates(AccountId account, std::vector<WordTerm> terms, Deadline deadline);
  /// Which of `documents` match, by the same rules as the index. Costs a call of the stemmer a word:
  /// word_forms.h is for many.
  Task<Result<std::vector<MessageId>>> match(AccountId account, std::vector<WordTerm> terms,
                                             std::vector<WordDocument> documents, Deadline deadline);

  // For the indexer.
  struct Pending {
    AccountId account;
    int64_t modseq = 0;   ///< the account's
    int64_t indexed = 0;  ///< the index's position
  };
  /// Accounts after `after` whose mail has moved past their index; shard = account_id % shards.
  Task<Result<std::vector<Pending>>> pending(AccountId after, int32_t shard, int32_t shards, int32_t limit,
                                             Deadline deadline);
  /// In id order from `after` on (nil: from the first). Keep the modseq of the first call of a walk.
  Task<Result<WordTail>> tail(AccountId account, MessageId after, size_t limit, Deadline deadline);
  /// Stored search texts, unpacked; nothing for messages without (or with a damaged) one.
  Task<Result<void>> texts(AccountId account, std::vector<MessageId> ids,
                           std::function<void(MessageId, std::string)> on_text, Deadline deadline);
  struct Put {
    int64_t skipped = 0;    ///< were locked by a deletion: the position must not pass them yet
    std::string partition;  ///< for clean()
  };
  /// Idempotent; messages that are gone are passed over. Not flushed: a crash may undo it with its position.
  Task<Result<Put>> put(AccountId account, std::vector<WordDocument> documents, Deadline deadline);
  /// The same as a call of a pipeline, for a transaction that takes old words out before.
  static Task<db::Call> call_to_put(AccountId account, std::vector<WordDocument> documents);
  Task<Result<void>> set_position(AccountId account, int64_t modseq, Deadline deadline);
  /// Moves a partition's pending list into its index; once per some 1,000 messages.
  Task<Result<void>> clean(std::string partition, Deadline deadline);
  /// Forgets an account's index, so that it is made anew.
  Task<Result<void>> reset(AccountId account, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
