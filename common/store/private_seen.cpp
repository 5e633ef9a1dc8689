#include "common/store/private_seen.h"

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "common/store/flag_write.h"

namespace dromos::store {
namespace {

const db::Statement kGet{
    "store_private_seen",
    "SELECT m.seen_rule, s.reader_id, s.modseq, s.changed::text, s.seen::text FROM mail.mailbox m "
    "LEFT JOIN mail.private_seen s ON s.account_id = m.account_id AND s.mailbox_id = m.mailbox_id "
    "AND s.reader_id = ANY ($3) WHERE m.account_id = $1 AND m.mailbox_id = $2 "
    "ORDER BY s.reader_id, s.modseq"};
const db::Statement kStore{
    "store_flags_own",
    "SELECT modseq, changed::text, failed::text, 0::bigint FROM "
    "mail.store_flags_own_v1($1, $2, $3, $4::text::int8multirange, $5, $6, $7, $8, $9, "
    "$10)"};

}  // namespace

Task<Result<PrivateSeen>> PrivateSeens::get(AccountId owner, MailboxId mailbox,
                                            std::vector<AccountId> readers, Deadline deadline) {
  db::Params params;
  params.add(owner).add(mailbox).add_array(readers);
  CO_TRY(const auto rows, co_await pool_.exec(kGet, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "no such mailbox");
  PrivateSeen found;
  found.rule = rows.integer(0, 0);
  for (size_t row = 0; row < rows.size(); ++row)
    if (!rows.is_null(row, 1))
      found.rows.push_back(
          {rows.id<AccountId>(row, 1), rows.integer(row, 2), uids_of(rows, row, 3), uids_of(rows, row, 4)});
  co_return found;
}

Task<Result<StoreResult>> PrivateSeens::store(AccountId owner, MailboxId mailbox, AccountId reader,
                                              const UidSet& uids, FlagOp op, FlagSet flags, Rights rights,
                                              std::optional<int64_t> unchanged_since, Deadline deadline) {
  const auto params = [owner, mailbox, reader, set = uids.to_sql(), op, flags, rights, unchanged_since] {
    db::Params made;
    made.add(owner).add(mailbox).add(reader).add(set).add_int32(static_cast<int32_t>(op));
    made.add_int32(flags.flags).add(join(flags.keywords, " ")).add(unchanged_since);
    made.add_int32(flags_allowed(rights)).add((rights & kWrite) != 0);
    return made;
  };
  co_return co_await write_flags(pool_, kStore, owner, params, unchanged_since.has_value(), deadline);
}

}  // namespace dromos::store
