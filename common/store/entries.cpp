#include "common/store/entries.h"

#include "common/base/strings.h"
#include "common/db/transaction.h"
#include "common/store/errc.h"
#include "common/store/flag_write.h"
#include "common/store/partition.h"
#include "common/store/write.h"

namespace dromos::store {
namespace {

// With the mailbox's run of flags, if it has one, brought into the entries (mail.flag_run).
#define IN_RUN "CASE WHEN e.modseq < f.modseq AND e.uid::bigint <@ f.uids THEN "
#define ENTRY_COLUMNS                                                     \
  "e.uid, " IN_RUN "(e.flags & f.keep) | f.put ELSE e.flags END, " IN_RUN \
  "f.modseq ELSE e.modseq END, e.size, e.received_at, e.saved_at, e.message_id, e.thread_id, e.keywords"
#define WITH_RUN " LEFT JOIN mail.flag_run f ON f.account_id = e.account_id AND f.mailbox_id = e.mailbox_id "

const AccountStatement kSliceOf{
    "store_entry_slice",
    "SELECT " ENTRY_COLUMNS " FROM mail.entry_p%p e" WITH_RUN
    "WHERE e.account_id = $1 AND e.mailbox_id = $2 AND e.uid >= $3 AND e.uid <= $4 ORDER BY e.uid LIMIT $5"};
const AccountStatement kPlaces{
    "store_entry_places",
    "SELECT " ENTRY_COLUMNS ", e.mailbox_id FROM mail.entry_p%p e" WITH_RUN
    "WHERE e.account_id = $1 AND e.message_id = ANY ($2) ORDER BY e.message_id, e.mailbox_id"};
// Batch of one snapshot: repeatable read by a single statement each would differ, so the modseq bounds the
// others.
const db::Statement kState{
    "store_entry_state",
    "SELECT m.highestmodseq, m.uidnext, a.changelog_floor FROM mail.account_state a "
    "JOIN mail.mailbox m ON m.account_id = a.account_id WHERE a.account_id = $1 AND m.mailbox_id = $2"};
const db::Statement kLog{
    "store_entry_log",
    "SELECT c.kind, c.uids::text FROM mail.changelog c "
    "WHERE c.account_id = $1 AND c.mailbox_id = $2 AND c.modseq > $3 AND c.modseq <= $4 AND c.kind <= 3 "
    "ORDER BY c.modseq, c.kind"};
// OFFSET 0 keeps the ranges outside: a plan for all mailboxes might go through a large one for a few uids.
const AccountStatement kByRanges{
    "store_entry_ranges",
    "SELECT " ENTRY_COLUMNS
    " FROM unnest($3::text::int8multirange) AS r CROSS JOIN LATERAL (SELECT i.* FROM mail.entry_p%p i "
    "WHERE i.account_id = $1 AND i.mailbox_id = $2 AND i.uid >= lower(r) AND i.uid < upper(r) OFFSET 0) "
    "e" WITH_RUN "ORDER BY e.uid"};
const AccountStatement kByModseq{"store_entry_modseq",
                                 "SELECT " ENTRY_COLUMNS " FROM mail.entry_p%p e" WITH_RUN
                                 "WHERE e.account_id = $1 AND e.mailbox_id = $2 AND (e.modseq > $3 OR "
                                 "(f.modseq > $3 AND e.uid::bigint <@ f.uids)) "
                                 "ORDER BY e.uid"};
const db::Statement kStore{"store_flags",
                           "SELECT modseq, changed::text, failed::text, before "
                           "FROM mail.store_flags_v3($1, $2, $3::text::int8multirange, $4, $5, $6, $7)"};
const db::Statement kTransfer{"store_transfer",
                              "SELECT modseq, uidvalidity, source_uids::text, first_uid "
                              "FROM mail.transfer_v1($1, $2, $3, $4::text::int8multirange, $5, $6)"};
const db::Statement kExpunge{
    "store_expunge",
    "SELECT modseq, uids::text, before FROM mail.expunge_v2($1, $2, $3::text::int8multirange, $4)"};
const db::Statement kSetEmail{"store_email_set", "SELECT mail.email_set_v1($1, $2, $3, $4, $5, $6)"};

Entry entry_of(const db::Rows& rows, size_t row) {
  Entry entry;
  entry.uid = static_cast<uint32_t>(rows.integer(row, 0));
  entry.flags = static_cast<int32_t>(rows.integer(row, 1));
  entry.modseq = rows.integer(row, 2);
  entry.size = rows.integer(row, 3);
  entry.received_us = rows.time_us(row, 4);
  entry.saved_us = rows.time_us(row, 5);
  entry.id = rows.id<MessageId>(row, 6);
  entry.thread = rows.id<ThreadId>(row, 7);
  if (rows.bytes(row, 8).size() > 12) entry.keywords = rows.texts(row, 8);  // 12 bytes: an empty array
  return entry;
}

bool bad_keywords(const FlagSet& flags) {
  for (const std::string& keyword : flags.keywords)
    if (keyword.empty() || !is_utf8(keyword) ||
        keyword.find_first_of(std::string_view(" \0", 2)) != std::string::npos)
      return true;
  return false;
}

}  // namespace

Task<Result<std::vector<Entry>>> Entries::slice(AccountId account, MailboxId mailbox, uint32_t first,
                                                uint32_t limit, Deadline deadline) {
  db::Params params;
  params.add(account).add(mailbox).add(int64_t{first}).add(int64_t{UINT32_MAX}).add(int64_t{limit});
  CO_TRY(const auto rows, co_await pool_.exec(kSliceOf.of(account), std::move(params), deadline));
  std::vector<Entry> entries;
  entries.reserve(rows.size());
  for (size_t row = 0; row < rows.size(); ++row) entries.push_back(entry_of(rows, row));
  co_return entries;
}

Task<Result<void>> Entries::load(AccountId account, MailboxId mailbox, uint32_t first, uint32_t last,
                                 std::function<void(const Entry&)> on_entry, Deadline deadline) {
  int64_t from = first;
  while (from <= last) {
    db::Params params;
    params.add(account).add(mailbox).add(from).add(int64_t{last}).add(int64_t{kSlice});
    CO_TRY(const auto rows, co_await pool_.exec(kSliceOf.of(account), std::move(params), deadline));
    for (size_t row = 0; row < rows.size(); ++row) on_entry(entry_of(rows, row));
    if (rows.size() < kSlice) break;
    from = rows.integer(rows.size() - 1, 0) + 1;
  }
  co_return Result<void>{};
}

Task<Result<std::vector<Entries::Place>>> Entries::places(AccountId account, std::vector<MessageId> ids,
                                                          Deadline deadline) {
  db::Params params;
  params.add(account).add_array(ids);
  CO_TRY(const auto rows, co_await pool_.exec(kPlaces.of(account), std::move(params), deadline));
  std::vector<Place> places;
  for (size_t row = 0; row < rows.size(); ++row)
    places.push_back({rows.id<MailboxId>(row, 9), entry_of(rows, row)});
  co_return places;
}

Task<Result<EntryChanges>> Entries::changes_since(AccountId account, MailboxId mailbox, int64_t modseq,
                                                  Deadline deadline) {
  // Each statement has its own snapshot: what commits after the first is left to the next call, since the log
  // is cut at the modseq read first, and entries that are newer still only come early.
  CO_TRY(auto lease, co_await pool_.acquire(deadline));
  EntryChanges changes;
  db::Params params;
  params.add(account).add(mailbox);
  CO_TRY(const auto state, co_await lease->exec(kState, std::move(params), deadline));
  if (state.empty()) {
    changes.mailbox_gone = true;
    co_return changes;
  }
  changes.highestmodseq = state.integer(0, 0);
  changes.uidnext = static_cast<uint64_t>(state.integer(0, 1));
  if (changes.highestmodseq <= modseq) co_return changes;
  db::Rows rows;
  if (modseq < state.integer(0, 2)) {
    changes.expunged_unknown = true;
    db::Params all;
    all.add(account).add(mailbox).add(modseq);
    CO_TRY(rows, co_await lease->exec(kByModseq.of(account), std::move(all), deadline));
  } else {
    db::Params since;
    since.add(account).add(mailbox).add(modseq).add(changes.highestmodseq);
    CO_TRY(const auto log, co_await lease->exec(kLog, std::move(since), deadline));
    UidSet touched;
    for (size_t row = 0; row < log.size(); ++row) {
      const UidSet uids = uids_of(log, row, 1);
      UidSet& into = log.integer(row, 0) == 3 ? changes.expunged : touched;
      for (const UidSet::Range& range : uids.ranges()) into.add(range.first, range.last);
    }
    if (touched.empty()) co_return changes;
    db::Params ranges;
    ranges.add(account).add(mailbox).add(touched.to_sql());
    CO_TRY(rows, co_await lease->exec(kByRanges.of(account), std::move(ranges), deadline));
  }
  for (size_t row = 0; row < rows.size(); ++row) changes.changed.push_back(entry_of(rows, row));
  co_return changes;
}

Task<Result<StoreResult>> Entries::store(AccountId account, MailboxId mailbox, const UidSet& uids, FlagOp op,
                                         FlagSet flags, std::optional<int64_t> unchanged_since,
                                         Deadline deadline) {
  if (bad_keywords(flags)) co_return fail(StoreErrc::not_allowed, "keyword not allowed");
  auto params = [account, mailbox, set = uids.to_sql(), op, flags, unchanged_since] {
    db::Params made;
    made.add(account).add(mailbox).add(set).add_int32(static_cast<int32_t>(op)).add_int32(flags.flags);
    made.add(join(flags.keywords, " ")).add(unchanged_since);
    return made;
  };
  co_return co_await write_flags(pool_, kStore, account, params, unchanged_since.has_value(), deadline);
}

Task<Result<TransferResult>> Entries::transfer(DeliveryId id, AccountId account, MailboxId source,
                                               const UidSet& uids, MailboxId target, bool move,
                                               Deadline deadline) {
  auto params = [id, account, source, set = uids.to_sql(), target, move] {
    db::Params made;
    made.add(id).add(account).add(source).add(set).add(target).add(move);
    return made;
  };
  CO_TRY(const auto rows, co_await write_by_id(pool_, kTransfer, std::move(params), deadline));
  co_return TransferResult{{account, rows.maybe_integer(0, 0).value_or(0)},
                           static_cast<uint32_t>(rows.integer(0, 1)),
                           uids_of(rows, 0, 2),
                           static_cast<uint32_t>(rows.integer(0, 3))};
}

Task<Result<TransferResult>> Entries::copy(DeliveryId id, AccountId account, MailboxId source,
                                           const UidSet& uids, MailboxId target, Deadline deadline) {
  return transfer(id, account, source, uids, target, false, deadline);
}

Task<Result<TransferResult>> Entries::move(DeliveryId id, AccountId account, MailboxId source,
                                           const UidSet& uids, MailboxId target, Deadline deadline) {
  return transfer(id, account, source, uids, target, true, deadline);
}

Task<Result<ExpungeResult>> Entries::expunge(AccountId account, MailboxId mailbox, const UidSet& uids,
                                             bool deleted_only, Deadline deadline) {
  auto params = [account, mailbox, set = uids.to_sql(), deleted_only] {
    db::Params made;
    made.add(account).add(mailbox).add(set).add(deleted_only);
    return made;
  };
  CO_TRY(const Settled settled, co_await write_settled(pool_, kExpunge, params, deadline));
  ExpungeResult gone{{account, settled.rows.maybe_integer(0, 0).value_or(0)}, uids_of(settled.rows, 0, 1)};
  gone.before = settled.rows.integer(0, 2);
  gone.repeated = settled.repeated;
  co_return gone;
}

Task<Result<Change>> Entries::set_email(AccountId account, MessageId id,
                                        std::optional<std::vector<MailboxId>> mailboxes,
                                        std::optional<FlagSet> flags, std::optional<int64_t> unchanged_since,
                                        Deadline deadline) {
  if (flags && bad_keywords(*flags)) co_return fail(StoreErrc::not_allowed, "keyword not allowed");
  db::Params params;
  params.add(account).add(id);
  if (mailboxes) {
    params.add_array(*mailboxes);
  } else {
    params.add_null();
  }
  if (flags)
    params.add_int32(flags->flags).add(join(flags->keywords, " "));
  else
    params.add_null().add_null();
  params.add(unchanged_since);
  CO_TRY(const auto rows, co_await write_once(pool_, kSetEmail, std::move(params), deadline));
  co_return Change{account, rows.maybe_integer(0, 0).value_or(0)};
}

}  // namespace dromos::store
