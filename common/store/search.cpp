#include "common/store/search.h"

#include <cstring>

#include "common/store/partition.h"

namespace dromos::store {
namespace {

// OFFSET 0 keeps the join a nested loop in uid order, as in messages.cpp.
const AccountStatement kPackedFacts{
    "store_packed_facts",
    "SELECT e.uid, CASE WHEN octet_length(m.facts) <= $5::bigint THEN m.facts END "
    "FROM mail.entry_p%p e CROSS JOIN LATERAL (SELECT i.facts FROM mail.message_p%p i WHERE i.account_id = "
    "$1 "
    "AND i.message_id = e.message_id OFFSET 0) m "
    "WHERE e.account_id = $1 AND e.mailbox_id = $2 AND e.uid >= $3 AND e.uid <= $4 ORDER BY e.uid"};

bool holds(std::string_view text, std::string_view needle) {
  // An empty view may have no address, which memmem must not be given.
  return text.empty() ? needle.empty()
                      : memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr;
}

}  // namespace

Task<Result<UidSet>> search_text(Messages& messages, AccountId account, MailboxId mailbox, const UidSet& uids,
                                 std::vector<std::string> needles, UidSet* truncated, Deadline deadline) {
  UidSet found;
  auto on_text = [&](const Messages::Text& text) {
    bool all = true;
    for (const std::string& needle : needles) all = all && holds(text.text, needle);
    if (all)
      found.add(text.uid);
    else if (text.truncated && truncated != nullptr)
      truncated->add(text.uid);
    return true;
  };
  CO_TRY_VOID(co_await messages.stream_text(account, mailbox, uids, on_text, deadline));
  co_return found;
}

Task<Result<PackedFacts>> packed_facts(db::Pool& pool, AccountId account, MailboxId mailbox,
                                       UidSet::Range range, Deadline deadline) {
  db::Params params;
  params.add(account).add(mailbox).add(int64_t{range.first}).add(int64_t{range.last});
  params.add(PackedFacts::kMaxBytes);
  CO_TRY(auto rows, co_await pool.exec(kPackedFacts.of(account), std::move(params), deadline));
  co_return PackedFacts(std::move(rows));
}

}  // namespace dromos::store
