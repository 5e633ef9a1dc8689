#include "common/store/sharing.h"

#include <cstring>

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "common/store/flag_write.h"
#include "common/store/write.h"

namespace dromos::store {
namespace {

const db::Statement kVisible{"store_shared_with",
                             "SELECT account_id, login, is_shared, mailbox_id, rights, subscribed, own_seen "
                             "FROM mail.shared_with_v1($1)"};
const db::Statement kRights{"store_rights", "SELECT mail.rights_v1($1, $2, $3)"};
const db::Statement kAcl{"store_acl", "SELECT identifier, rights FROM mail.acl_v1($1, $2)"};
const db::Statement kSetAcl{"store_acl_set", "SELECT mail.acl_set_v1($1, $2, $3, $4, $5)"};
const db::Statement kSubscribe{"store_subscribe", "SELECT mail.subscribe_v2($1, $2, $3, $4)"};
const db::Statement kModseq{"store_sharing_modseq", "SELECT mail.sharing_modseq_v1()"};
const db::Statement kFiles{
    "store_transfer_files",
    "SELECT hash FROM mail.transfer_files_v1($1, $2, $3::text::int8multirange, $4, $5) AS f (hash)"};
const db::Statement kReplace{"store_flags_limited",
                             "SELECT modseq, changed::text, failed::text, 0::bigint FROM "
                             "mail.store_flags_limited_v1($1, $2, $3::text::int8multirange, $4, $5, $6, $7, "
                             "$8)"};
const db::Statement kTransfer{
    "store_transfer_across",
    "SELECT modseq, uidvalidity, source_uids::text, first_uid, source_modseq "
    "FROM mail.transfer_across_v1($1, $2, $3, $4::text::int8multirange, $5, $6, $7, $8, $9, $10)"};

constexpr int32_t kFilesAtOnce = 1000;
constexpr size_t kLargestFile = 256 << 20;

}  // namespace

Task<Result<std::vector<SharedMailboxInfo>>> Sharing::visible_to(AccountId reader, Deadline deadline) {
  db::Params params;
  params.add(reader);
  CO_TRY(const auto rows, co_await pool_.exec(kVisible, std::move(params), deadline));
  std::vector<SharedMailboxInfo> list;
  for (size_t row = 0; row < rows.size(); ++row) {
    SharedMailboxInfo info;
    info.account = rows.id<AccountId>(row, 0);
    info.login = rows.text(row, 1);
    info.shared_account = rows.boolean(row, 2);
    info.mailbox = rows.id<MailboxId>(row, 3);
    info.rights = static_cast<Rights>(rows.integer(row, 4));
    info.subscribed = rows.boolean(row, 5);
    info.own_seen = rows.maybe_integer(row, 6);
    list.push_back(std::move(info));
  }
  co_return list;
}

Task<Result<Rights>> Sharing::rights(AccountId reader, AccountId owner, MailboxId mailbox,
                                     Deadline deadline) {
  if (reader == owner) co_return kAllRights;
  db::Params params;
  params.add(reader).add(owner).add(mailbox);
  CO_TRY(const auto rows, co_await pool_.exec(kRights, std::move(params), deadline));
  co_return static_cast<Rights>(rows.integer(0, 0));
}

Task<Result<std::vector<AclEntry>>> Sharing::acl(AccountId owner, MailboxId mailbox, Deadline deadline) {
  db::Params params;
  params.add(owner).add(mailbox);
  CO_TRY(const auto rows, co_await pool_.exec(kAcl, std::move(params), deadline));
  std::vector<AclEntry> list;
  for (size_t row = 0; row < rows.size(); ++row)
    list.push_back({std::string(rows.text(row, 0)), static_cast<Rights>(rows.integer(row, 1))});
  co_return list;
}

Task<Result<Change>> Sharing::set_acl(AccountId owner, MailboxId mailbox, std::string identifier, AclOp op,
                                      Rights rights, Deadline deadline) {
  const auto params = [owner, mailbox, identifier = std::move(identifier), op, rights] {
    db::Params made;
    made.add(owner).add(mailbox).add(identifier).add_int32(static_cast<int32_t>(op));
    made.add_int32(static_cast<int32_t>(rights));
    return made;
  };
  // Doing it twice is doing it once.
  CO_TRY(const Settled settled, co_await write_settled(pool_, kSetAcl, params, deadline));
  co_return Change{owner, settled.rows.maybe_integer(0, 0).value_or(0)};
}

Task<Result<int64_t>> Sharing::modseq(Deadline deadline) {
  CO_TRY(const auto rows, co_await pool_.exec(kModseq, {}, deadline));
  co_return rows.integer(0, 0);
}

Task<Result<Change>> Sharing::subscribe(AccountId reader, AccountId owner, MailboxId mailbox, bool wanted,
                                        Deadline deadline) {
  const auto params = [reader, owner, mailbox, wanted] {
    db::Params made;
    made.add(reader).add(owner).add(mailbox).add(wanted);
    return made;
  };
  CO_TRY(const Settled settled, co_await write_settled(pool_, kSubscribe, params, deadline));
  co_return Change{reader, settled.rows.maybe_integer(0, 0).value_or(0)};
}

Task<Result<StoreResult>> Sharing::replace_flags(AccountId owner, MailboxId mailbox, const UidSet& uids,
                                                 FlagSet flags, Rights rights,
                                                 std::optional<int64_t> unchanged_since, Deadline deadline) {
  const auto params = [owner, mailbox, set = uids.to_sql(), flags, rights, unchanged_since] {
    db::Params made;
    made.add(owner).add(mailbox).add(set).add_int32(flags.flags).add(join(flags.keywords, " "));
    made.add(unchanged_since).add_int32(flags_allowed(rights)).add((rights & kWrite) != 0);
    return made;
  };
  co_return co_await write_flags(pool_, kReplace, owner, params, unchanged_since.has_value(), deadline);
}

/// Bytes that are files: the target account gets its own, outside of any lock.
Task<Result<void>> Sharing::stage_files(const Transfer& transfer, Deadline deadline) {
  while (true) {
    db::Params params;
    params.add(transfer.from).add(transfer.source).add(transfer.uids.to_sql()).add(transfer.to);
    params.add_int32(kFilesAtOnce);
    CO_TRY(const auto rows, co_await pool_.exec(kFiles, std::move(params), deadline));
    for (size_t row = 0; row < rows.size(); ++row) {
      BlobHash hash{};
      const std::string_view bytes = rows.bytes(row, 0);
      if (bytes.size() != hash.size()) co_return fail(Errc::internal, "a hash of another size");
      std::memcpy(hash.data(), bytes.data(), hash.size());
      CO_TRY(const auto info, co_await blobs_.stat(transfer.from, hash, deadline));
      CO_TRY(const std::string raw, co_await blobs_.read_all(transfer.from, hash, kLargestFile, deadline));
      const StringSource source(raw);
      std::vector<AccountId> to{transfer.to};
      CO_TRY_VOID(co_await blobs_.stage(std::move(to), source, info.header_size, deadline));
    }
    if (rows.size() < static_cast<size_t>(kFilesAtOnce)) co_return Result<void>{};
  }
}

Task<Result<AcrossResult>> Sharing::transfer(DeliveryId id, Transfer transfer, Deadline deadline) {
  if (!blobs_.takes_inline()) CO_TRY_VOID(co_await stage_files(transfer, deadline));
  const auto params = [id, transfer, set = transfer.uids.to_sql()] {
    db::Params made;
    made.add(id).add(transfer.from).add(transfer.source).add(set).add(transfer.to).add(transfer.target);
    made.add(transfer.move).add_int32(flags_allowed(transfer.rights));
    made.add((transfer.rights & kWrite) != 0).add(transfer.reader);
    return made;
  };
  CO_TRY(const auto rows, co_await write_by_id(pool_, kTransfer, params, deadline));
  AcrossResult done;
  done.change = {transfer.to, rows.maybe_integer(0, 0).value_or(0)};
  done.uidvalidity = static_cast<uint32_t>(rows.integer(0, 1));
  done.source = uids_of(rows, 0, 2);
  done.first_uid = static_cast<uint32_t>(rows.integer(0, 3));
  done.source_change = {transfer.from, rows.maybe_integer(0, 4).value_or(0)};
  co_return done;
}

}  // namespace dromos::store
