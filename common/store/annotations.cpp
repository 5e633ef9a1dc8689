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
                         "SELECT mail.annotation_set_v1($1, $2, $3, $4, $5, $6, $7, $8)"};
const db::Statement kCopy{"store_annotation_copy", "SELECT mail.annotation_copy_v1($1, $2, $3)"};

}  // namespace

Task<Result<std::vector<Annotation>>> Annotations::get(AnnotationQuery query, Deadline deadline) {
  std::vector<int64_t> mailboxes;
  for (const MailboxId mailbox : query.mailboxes) mailboxes.push_back(mailbox.value);
  const bool server = mailboxes.size() == 1 && mailboxes.front() == 0;
  db::Params params;
  params.add(query.account).add_array(std::span<const int64_t>(mailboxes)).add(query.reader);
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

Task<Result<void>> Annotations::set(AccountId account, MailboxId mailbox, AccountId reader,
                                    std::vector<Change> changes, Deadline deadline) {
  auto params = [account, mailbox, reader, &changes] {
    std::vector<std::string> names, values, removed;
    for (const Change& change : changes) {
      (change.value ? names : removed).push_back(change.name);
      if (change.value) values.push_back(*change.value);
    }
    db::Params made;
    made.add(account).add(mailbox).add(reader).add_array(std::span<const std::string>(names));
    made.add_bytes_array(values).add_array(std::span<const std::string>(removed));
    made.add_int32(kMostOfScope).add(kMostBytes);
    return made;
  };
  CO_TRY_VOID(co_await write_settled(pool_, kSet, params, deadline));
  co_return Result<void>{};
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
