#include "common/store/changes.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "common/store/errc.h"
#include "common/store/partition.h"

namespace dromos::store {
namespace {

const db::Statement kStates{
    "store_states",
    "SELECT modseq, email_modseq, mailbox_modseq, thread_modseq, state_epoch, changelog_floor "
    "FROM mail.account_state WHERE account_id = $1"};
const db::Statement kMoved{
    "store_moved",
    "SELECT a.account_id, a.modseq FROM unnest($1::bigint[], $2::bigint[]) AS k (account_id, modseq) "
    "JOIN mail.account_state a ON a.account_id = k.account_id WHERE a.modseq > k.modseq"};
const db::Statement kLog{
    "store_email_log",
    "SELECT modseq, message_ids FROM mail.changelog "
    "WHERE account_id = $1 AND modseq > $2 AND modseq <= $3 AND kind <= 3 ORDER BY modseq"};
// One row an id: whether it is visible now (an entry without \Deleted), when it was made, its thread.
const AccountStatement kFate{
    "store_email_fate",
    "SELECT i.id, m.created_modseq, m.thread_id, EXISTS (SELECT FROM mail.entry_p%p e WHERE e.account_id = "
    "$1 "
    "AND e.message_id = i.id AND e.flags & 8 = 0) "
    "FROM unnest($2::uuid[]) AS i (id) LEFT JOIN mail.message_p%p m ON m.account_id = $1 AND m.message_id = "
    "i.id"};
const AccountStatement kThreadFate{
    "store_thread_fate",
    "SELECT t.id, min(m.created_modseq), bool_or(EXISTS (SELECT FROM mail.entry_p%p e WHERE e.account_id = "
    "$1 "
    "AND e.message_id = m.message_id AND e.flags & 8 = 0)) "
    "FROM unnest($2::uuid[]) AS t (id) JOIN mail.message_p%p m ON m.account_id = $1 AND m.thread_id = t.id "
    "GROUP BY t.id"};
const db::Statement kMailboxes{"store_mailbox_changes",
                               "SELECT mailbox_id, modseq, created_modseq, highestmodseq FROM mail.mailbox "
                               "WHERE account_id = $1 AND highestmodseq > $2"};
const db::Statement kMailboxesGone{
    "store_mailboxes_gone",
    "SELECT c.mailbox_id, EXISTS (SELECT FROM mail.changelog n WHERE n.account_id = $1 AND n.modseq > $2 "
    "AND n.mailbox_id = c.mailbox_id AND n.kind = 4), c.modseq "
    "FROM mail.changelog c WHERE c.account_id = $1 AND c.modseq > $2 AND c.kind = 6"};

struct Touched {
  int64_t new_modseq = 0;
  bool more = false;
  std::set<Uuid> ids;
};

/// Ids of emails touched after `since`, cut at a modseq boundary once there are more than `limit`.
Task<Result<Touched>> touched(db::Pool& pool, AccountId account, int64_t since, size_t limit, int64_t upto,
                              Deadline deadline) {
  Touched result;
  db::Params params;
  params.add(account).add(since).add(upto);
  CO_TRY(const auto log, co_await pool.exec(kLog, std::move(params), deadline));
  for (size_t row = 0; row < log.size();) {
    const int64_t modseq = log.integer(row, 0);
    std::vector<Uuid> fresh;
    for (; row < log.size() && log.integer(row, 0) == modseq; ++row)
      for (const Uuid& id : log.uuids(row, 1))
        if (result.ids.insert(id).second) fresh.push_back(id);
    // The first goes whole, however large, or the client would never get on.
    if (result.ids.size() > limit && result.ids.size() > fresh.size()) {
      for (const Uuid& id : fresh) result.ids.erase(id);
      result.more = true;
      break;
    }
    result.new_modseq = modseq;
  }
  if (!result.more) result.new_modseq = upto;
  co_return result;
}

}  // namespace

Task<Result<AccountStates>> Changes::states(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool_.exec(kStates, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "account has no mail");
  co_return AccountStates{rows.integer(0, 0), rows.integer(0, 1), rows.integer(0, 2), rows.integer(0, 3),
                          static_cast<int32_t>(rows.integer(0, 4))};
}

Task<Result<std::vector<Change>>> Changes::moved(std::vector<Change> known, Deadline deadline) {
  std::vector<AccountId> accounts;
  std::vector<int64_t> modseqs;
  for (const Change& change : known) {
    accounts.push_back(change.account);
    modseqs.push_back(change.modseq);
  }
  db::Params params;
  params.add_array(accounts).add_array(std::span<const int64_t>(modseqs));
  CO_TRY(const auto rows, co_await pool_.exec(kMoved, std::move(params), deadline));
  std::vector<Change> changes;
  for (size_t row = 0; row < rows.size(); ++row)
    changes.push_back({rows.id<AccountId>(row, 0), rows.integer(row, 1)});
  co_return changes;
}

namespace {

/// The current modseq, or cannot_change if `since` is too old or of the future.
Task<Result<int64_t>> known_since(db::Pool& pool, AccountId account, int64_t since, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool.exec(kStates, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "account has no mail");
  if (since < rows.integer(0, 5) || since > rows.integer(0, 0))
    co_return fail(StoreErrc::cannot_change, "changes since that state are not known");
  co_return rows.integer(0, 0);
}

}  // namespace

Task<Result<ObjectChanges<MessageId>>> Changes::emails(AccountId account, int64_t since, size_t limit,
                                                       Deadline deadline) {
  CO_TRY(const int64_t upto, co_await known_since(pool_, account, since, deadline));
  CO_TRY(const Touched log, co_await touched(pool_, account, since, limit, upto, deadline));
  ObjectChanges<MessageId> changes;
  changes.new_modseq = log.new_modseq;
  changes.more = log.more;
  if (log.ids.empty()) co_return changes;
  const std::vector<Uuid> ids(log.ids.begin(), log.ids.end());
  db::Params params;
  params.add(account).add_array(std::span<const Uuid>(ids));
  CO_TRY(const auto rows, co_await pool_.exec(kFate.of(account), std::move(params), deadline));
  for (size_t row = 0; row < rows.size(); ++row) {
    const MessageId id = rows.id<MessageId>(row, 0);
    const bool fresh = !rows.is_null(row, 1) && rows.integer(row, 1) > since;
    if (rows.boolean(row, 3))
      (fresh ? changes.created : changes.updated).push_back(id);
    else if (!fresh)  // made and gone again since: the client never knew it
      changes.destroyed.push_back(id);
  }
  co_return changes;
}

Task<Result<ObjectChanges<ThreadId>>> Changes::threads(AccountId account, int64_t since, size_t limit,
                                                       Deadline deadline) {
  CO_TRY(const int64_t upto, co_await known_since(pool_, account, since, deadline));
  CO_TRY(const Touched log, co_await touched(pool_, account, since, limit, upto, deadline));
  ObjectChanges<ThreadId> changes;
  changes.new_modseq = log.new_modseq;
  changes.more = log.more;
  if (log.ids.empty()) co_return changes;
  const std::vector<Uuid> ids(log.ids.begin(), log.ids.end());
  db::Params params;
  params.add(account).add_array(std::span<const Uuid>(ids));
  CO_TRY(const auto rows, co_await pool_.exec(kFate.of(account), std::move(params), deadline));
  std::set<Uuid> threads;
  for (size_t row = 0; row < rows.size(); ++row)
    if (!rows.is_null(row, 2)) threads.insert(rows.uuid(row, 2));
  const std::vector<Uuid> list(threads.begin(), threads.end());
  db::Params ask;
  ask.add(account).add_array(std::span<const Uuid>(list));
  CO_TRY(const auto fates, co_await pool_.exec(kThreadFate.of(account), std::move(ask), deadline));
  for (size_t row = 0; row < fates.size(); ++row) {
    const ThreadId id = fates.id<ThreadId>(row, 0);
    const bool fresh = fates.integer(row, 1) > since;
    if (fates.boolean(row, 2))
      (fresh ? changes.created : changes.updated).push_back(id);
    else if (!fresh)
      changes.destroyed.push_back(id);
  }
  co_return changes;
}

namespace {

/// What a client is told of one mailbox, and when it happened. A mailbox may have several.
struct MailboxEvent {
  enum class Kind { created, properties, counts, destroyed };
  int64_t modseq;
  MailboxId id;
  Kind kind;
};

/// Up to which modseq `events` (in order) hold at most `limit` mailboxes; INT64_MAX: all of them. Never
/// before the first.
int64_t cut_of(const std::vector<MailboxEvent>& events, size_t limit) {
  std::set<MailboxId> seen;
  for (size_t i = 0; i < events.size(); ++i) {
    seen.insert(events[i].id);
    if (seen.size() <= limit) continue;
    size_t last = i;  // the transaction that is too much goes whole
    while (last > 0 && events[last - 1].modseq == events[i].modseq) --last;
    return last > 0 ? events[last - 1].modseq : events[i].modseq;
  }
  return INT64_MAX;
}

MailboxChanges told(const std::vector<MailboxEvent>& events, int64_t cut) {
  using Kind = MailboxEvent::Kind;
  std::set<MailboxId> created, updated;
  MailboxChanges out;
  out.only_counts = true;
  for (const MailboxEvent& event : events) {
    if (event.modseq > cut) {
      out.more = true;
      break;
    }
    if (event.kind == Kind::destroyed) {
      out.destroyed.push_back(event.id);
    } else if (event.kind == Kind::created) {
      created.insert(event.id);
    } else if (!created.contains(event.id)) {
      updated.insert(event.id);
      if (event.kind == Kind::properties) out.only_counts = false;
    }
  }
  out.created.assign(created.begin(), created.end());
  out.updated.assign(updated.begin(), updated.end());
  return out;
}

}  // namespace

Task<Result<MailboxChanges>> Changes::mailboxes(AccountId account, int64_t since, size_t limit,
                                                Deadline deadline) {
  using Kind = MailboxEvent::Kind;
  CO_TRY(const int64_t now, co_await known_since(pool_, account, since, deadline));
  CO_TRY(const auto rows, co_await pool_.exec(kMailboxes, db::Params().add(account).add(since), deadline));
  std::vector<MailboxEvent> events;
  for (size_t row = 0; row < rows.size(); ++row) {
    const MailboxId id = rows.id<MailboxId>(row, 0);
    const auto note = [&](int column, Kind kind) {
      if (rows.integer(row, column) > since) events.push_back({rows.integer(row, column), id, kind});
    };
    note(2, Kind::created);
    note(1, Kind::properties);
    note(3, Kind::counts);
  }
  CO_TRY(const auto gone,
         co_await pool_.exec(kMailboxesGone, db::Params().add(account).add(since), deadline));
  for (size_t row = 0; row < gone.size(); ++row)
    if (!gone.boolean(row, 1))
      events.push_back({gone.integer(row, 2), gone.id<MailboxId>(row, 0), Kind::destroyed});
  std::sort(events.begin(), events.end(), [](const MailboxEvent& a, const MailboxEvent& b) {
    return std::tie(a.modseq, a.id, a.kind) < std::tie(b.modseq, b.id, b.kind);
  });
  const int64_t cut = cut_of(events, limit);
  MailboxChanges changes = told(events, cut);
  changes.new_modseq = changes.more ? cut : now;
  co_return changes;
}

}  // namespace dromos::store
