// Annotations of mailboxes and of the server (RFC 5464), as bytes under names "/shared/..." and
// "/private/...".
//
// The mailbox 0 is the server as an account sees it. Names are lower case and checked by the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/db/pool.h"
#include "common/store/types.h"

namespace dromos::store {

struct Annotation {
  MailboxId mailbox;
  std::string name;
  int64_t size = 0;
  std::optional<std::string> value;  // nothing: longer than asked for
};

struct AnnotationQuery {
  static constexpr int32_t kAll = -1;
  AccountId account;
  std::vector<MailboxId> mailboxes;  // {0}: the server
  AccountId reader;
  std::vector<std::string> names;
  int32_t depth = 0;  // 0, 1, kAll: with what is below the names
  int64_t max_size = INT64_MAX;
};

struct AnnotationNames {
  struct One {
    MailboxId mailbox;
    std::string name;
    int64_t modseq = 0;  // of its last change
  };
  int64_t modseq = 0;  // of the last change, removals included
  std::vector<One> list;
};

class Annotations {
 public:
  static constexpr int64_t kMostOfScope = 100;    // entries of one scope on one mailbox
  static constexpr int64_t kMostBytes = 4 << 20;  // of an account
  explicit Annotations(db::Pool& pool) : pool_(pool) {}

  /// By mailbox and name.
  Task<Result<std::vector<Annotation>>> get(AnnotationQuery query, Deadline deadline);
  /// Names alone, of the server and all mailboxes; `limit` of them at most.
  Task<Result<AnnotationNames>> names(AccountId account, AccountId reader, int32_t limit, Deadline deadline);
  /// Accounts of `known` whose annotations have a later modseq, with it.
  Task<Result<std::vector<store::Change>>> moved(std::vector<store::Change> known, Deadline deadline);
  struct Entry {
    std::string name;
    std::optional<std::string> value;  // nothing: remove
  };
  /// All or none; each name once. StoreErrc::over_quota: too many.
  Task<Result<store::Change>> set(AccountId account, MailboxId mailbox, AccountId reader,
                                  std::vector<Entry> changes, Deadline deadline);
  Task<Result<void>> copy(AccountId account, MailboxId from, MailboxId to, Deadline deadline);

 private:
  db::Pool& pool_;
};

}  // namespace dromos::store
