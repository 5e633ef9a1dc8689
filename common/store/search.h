// Substring search over stored extracts: the answer of IMAP SEARCH TEXT and BODY; depends on no index.
#pragma once

#include <string>
#include <vector>

#include "common/store/messages.h"

namespace dromos::store {

/// Uids whose extract holds every one of `needles` (case-folded by common/mime, as the extract). `truncated`
/// gets those whose extract was cut and that did not match: search their raw bytes.
Task<Result<UidSet>> search_text(Messages& messages, AccountId account, MailboxId mailbox, const UidSet& uids,
                                 std::vector<std::string> needles, UidSet* truncated, Deadline deadline);

/// Stored facts of a range of uids in uid order, to be read off the reactor. Its reading functions may be
/// called on any thread.
class PackedFacts {
 public:
  /// Longer facts are left out: read them alone.
  static constexpr int64_t kMaxBytes = 32 * 1024;
  explicit PackedFacts(db::Rows rows) : rows_(std::move(rows)) {}
  size_t size() const { return rows_.size(); }
  uint32_t uid(size_t row) const { return static_cast<uint32_t>(rows_.integer(row, 0)); }
  bool left_out(size_t row) const { return rows_.is_null(row, 1); }
  std::string_view bytes(size_t row) const { return rows_.bytes(row, 1); }

 private:
  db::Rows rows_;
};
/// At most Messages::kRange uids at once.
Task<Result<PackedFacts>> packed_facts(db::Pool& pool, AccountId account, MailboxId mailbox,
                                       UidSet::Range range, Deadline deadline);

}  // namespace dromos::store
