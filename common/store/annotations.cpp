#include "common/store/annotations.h"

#include "common/store/errc.h"
#include "common/store/write.h"

namespace dromos::store {
namespace {

#define ANNOTATION_WANTED                                                                                   \
  "(a.reader_id IS NULL OR a.reader_id = $3) AND EXISTS (SELECT FROM unnest($4::text[]) AS n (name) WHERE " \
  "a.name = n.name OR "                                                                                     \
  "($5::integer <> 0 AND starts_with(a.name, n.name || '/') AND ($5::integer < 0 OR strpos(substr(a.name, " \
  "length(n.name) + "                                                                                       \
  "2), '/') = 0)))"
#define ANNOTATION_COLUMNS                                                               \
  "coalesce(a.mailbox_id, 0)::bigint, a.name, octet_length(a.value)::bigint, CASE WHEN " \
  "octet_length(a.value) <= $6::bigint THEN a.value END"

const db::Statement kOfMailboxes{
    "store_annotations",
    "SELECT " ANNOTATION_COLUMNS
    " FROM mail.annotation a WHERE a.account_id = $1 AND a.mailbox_id = ANY ($2) AND " ANNOTATION_WANTED
    " ORDER BY 1, 2"};
const db::Statement kOfServer{
    "store_annotations_server",
    "SELECT " ANNOTATION_COLUMNS
    " FROM mail.annotation a WHERE a.account_id = $1 AND a.mailbox_id IS NULL AND $2::bigint[] IS NOT NULL "
    "AND " ANNOTATION_WANTED " ORDER BY 1, 2"};
const db::Statement kSet{"store_annotation_set",
                         "SELECT mail.annotation_set_v2($1, $2, $3, $4, $5, $6, $7, $8)"};
// One statement, one snapshot: names are never newer than the modseq that they come with. The server (0) is
// told with the mailboxes.
const db::Statement kNames{"store_annotation_names",
                           "SELECT s.annotation_modseq, coalesce(a.mailbox_id, 0)::bigint, a.name, a.modseq "
                           "FROM mail.account_state s LEFT JOIN mail.annotation a ON a.account_id = "
                           "s.account_id AND (a.reader_id IS NULL OR a.reader_id = $2) "
                           "WHERE s.account_id = $1 LIMIT $3::integer"};
const db::Statement kMoved{
    "store_annotations_moved",
    "SELECT s.account_id, s.annotation_modseq FROM unnest($1::bigint[], $2::bigint[]) AS k (account_id, "
    "modseq) "
    "JOIN mail.account_state s ON s.account_id = k.account_id WHERE s.annotation_modseq > k.modseq"};
const db::Statement kCopy{"store_annotation_copy", "SELECT mail.annotation_copy_v1($1, $2, $3)"};

}  // namespace

Task<Result<std::vector<Annotation>>> Annotations::get(AnnotationQuery query, Deadline deadline) {
  const bool server = query.mailboxes.size() == 1 && !query.mailboxes.front();
  db::Params params;
  params.add(query.account).add_array(query.mailboxes).add(query.reader);
  params.add_array(std::span<const std::string>(query.names)).add_int32(query.depth).add(query.max_size);
  CO_TRY(const auto rows,
         co_await pool_.exec(server ? kOfServer : kOfMailboxes, std::move(params), deadline));
  std::vector<Annotation> found;
  for (size_t row = 0; row < rows.size(); ++row) {
    Annotation& one = found.emplace_back();
    one.mailbox = rows.id<MailboxId>(row, 0);
    one.name = rows.text(row, 1);
    one.size = rows.integer(row, 2);
    if (!rows.is_null(row, 3)) one.value = std::string(rows.bytes(row, 3));
  }
  co_return found;
}

Task<Result<AnnotationNames>> Annotations::names(AccountId account, AccountId reader, int32_t limit,
                                                 Deadline deadline) {
  db::Params params;
  params.add(account).add(reader).add_int32(limit);
  CO_TRY(const auto rows, co_await pool_.exec(kNames, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "account has no mail");
  AnnotationNames found;
  found.modseq = rows.integer(0, 0);
  for (size_t row = 0; row < rows.size(); ++row)
    if (!rows.is_null(row, 2))
      found.list.push_back(
          {rows.id<MailboxId>(row, 1), std::string(rows.text(row, 2)), rows.integer(row, 3)});
  co_return found;
}

Task<Result<std::vector<store::Change>>> Annotations::moved(std::vector<store::Change> known,
                                                            Deadline deadline) {
  std::vector<AccountId> accounts;
  std::vector<int64_t> modseqs;
  for (const store::Change& change : known) {
    accounts.push_back(change.account);
    modseqs.push_back(change.modseq);
  }
  db::Params params;
  params.add_array(accounts).add_array(std::span<const int64_t>(modseqs));
  CO_TRY(const auto rows, co_await pool_.exec(kMoved, std::move(params), deadline));
  std::vector<store::Change> changes;
  for (size_t row = 0; row < rows.size(); ++row)
    changes.push_back({rows.id<AccountId>(row, 0), rows.integer(row, 1)});
  co_return changes;
}

Task<Result<store::Change>> Annotations::set(AccountId account, MailboxId mailbox, AccountId reader,
                                             std::vector<Entry> changes, Deadline deadline) {
  auto params = [account, mailbox, reader, &changes] {
    std::vector<std::string> names, values, removed;
    for (const Entry& change : changes) {
      (change.value ? names : removed).push_back(change.name);
      if (change.value) values.push_back(*change.value);
    }
    db::Params made;
    made.add(account).add(mailbox).add(reader).add_array(std::span<const std::string>(names));
    made.add_bytes_array(values).add_array(std::span<const std::string>(removed));
    made.add_int32(kMostOfScope).add(kMostBytes);
    return made;
  };
  CO_TRY(const Settled settled, co_await write_settled(pool_, kSet, params, deadline));
  co_return store::Change{account, settled.rows.maybe_integer(0, 0).value_or(0)};
}

Task<Result<void>> Annotations::copy(AccountId account, MailboxId from, MailboxId to, Deadline deadline) {
  auto params = [account, from, to] {
    db::Params made;
    made.add(account).add(from).add(to);
    return made;
  };
  CO_TRY_VOID(co_await write_settled(pool_, kCopy, params, deadline));
  co_return Result<void>{};
}

}  // namespace dromos::store
