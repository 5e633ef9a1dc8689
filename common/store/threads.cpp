#include "common/store/threads.h"

#include "common/store/partition.h"

namespace dromos::store {
namespace {

const AccountStatement kMembers{
    "store_thread_members",
    "SELECT m.thread_id, m.message_id, m.received_at FROM mail.message_p%p m "
    "WHERE m.account_id = $1 AND m.thread_id = ANY ($2) AND EXISTS (SELECT FROM mail.entry_p%p e "
    "WHERE e.account_id = $1 AND e.message_id = m.message_id AND e.flags & 8 = 0) "
    "ORDER BY m.thread_id, m.received_at, m.message_id"};

}  // namespace

Task<Result<std::vector<ThreadMember>>> Threads::members(AccountId account, std::vector<ThreadId> threads,
                                                         Deadline deadline) {
  db::Params params;
  params.add(account).add_array(threads);
  CO_TRY(const auto rows, co_await pool_.exec(kMembers.of(account), std::move(params), deadline));
  std::vector<ThreadMember> members;
  for (size_t row = 0; row < rows.size(); ++row)
    members.push_back({rows.id<ThreadId>(row, 0), rows.id<MessageId>(row, 1), rows.time_us(row, 2)});
  co_return members;
}

}  // namespace dromos::store
