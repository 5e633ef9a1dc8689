#include "common/store/mailboxes.h"

#include <algorithm>
#include <map>

#include "common/base/strings.h"
#include "common/store/errc.h"
#include "common/store/partition.h"
#include "common/store/write.h"

namespace dromos::store {
namespace {

#define MAILBOX_COLUMNS                                                                            \
  "m.mailbox_id, m.parent_id, m.name, m.special_use, m.subscribed, m.selectable, m.sort_order, "   \
  "m.uidvalidity, "                                                                                \
  "m.uidnext, m.highestmodseq, m.modseq, m.created_modseq, m.all_count, m.all_seen, m.all_bytes, " \
  "m.live_count, "                                                                                 \
  "m.live_seen, m.live_bytes, m.recent_from"

// One statement, hence one snapshot of states and mailboxes.
const db::Statement kTree{"store_mailbox_tree",
                          "SELECT " MAILBOX_COLUMNS
                          ", a.modseq, a.mailbox_modseq, a.email_modseq, a.thread_modseq, a.state_epoch "
                          "FROM mail.account_state a LEFT JOIN mail.mailbox m ON m.account_id = a.account_id "
                          "WHERE a.account_id = $1 ORDER BY m.mailbox_id"};
// OFFSET 0 keeps the joins nested loops: a hash join would read all mailboxes of the account.
const db::Statement kTreeOf{
    "store_mailbox_tree_of",
    "WITH RECURSIVE up AS ("
    "SELECT k.mailbox_id, k.parent_id FROM unnest($2::bigint[]) AS w (id) CROSS JOIN LATERAL ("
    "SELECT * FROM mail.mailbox i WHERE i.account_id = $1 AND i.mailbox_id = w.id OFFSET 0) k "
    "UNION SELECT p.mailbox_id, p.parent_id FROM up u CROSS JOIN LATERAL ("
    "SELECT * FROM mail.mailbox i WHERE i.account_id = $1 AND i.mailbox_id = u.parent_id OFFSET 0) p) "
    "SELECT " MAILBOX_COLUMNS
    " FROM up u CROSS JOIN LATERAL ("
    "SELECT * FROM mail.mailbox i WHERE i.account_id = $1 AND i.mailbox_id = u.mailbox_id OFFSET 0) m "
    "ORDER BY m.mailbox_id"};
// One statement, hence one snapshot. Kinds from 4 on are about the mailbox itself.
const db::Statement kMoved{
    "store_mailbox_moved",
    "WITH c AS (SELECT l.mailbox_id, bool_or(l.kind >= 4) AS itself FROM mail.changelog l "
    "WHERE l.account_id = $1 AND l.modseq > $2 GROUP BY l.mailbox_id) "
    "SELECT " MAILBOX_COLUMNS
    ", a.modseq, a.changelog_floor > $2 OR coalesce(c.itself, false) OR "
    "(c.mailbox_id IS NOT NULL AND m.mailbox_id IS NULL) "
    "FROM mail.account_state a LEFT JOIN c ON true LEFT JOIN LATERAL ("
    "SELECT * FROM mail.mailbox i WHERE i.account_id = $1 AND i.mailbox_id = c.mailbox_id OFFSET 0) m ON "
    "true "
    "WHERE a.account_id = $1 ORDER BY m.mailbox_id"};
// Down the path to its mailbox, where `walk` has its depth. OFFSET 0 as above.
#define MAILBOX_WALK(path)                                                                                   \
  "WITH RECURSIVE walk AS ("                                                                                 \
  "SELECT r.mailbox_id, 1 AS depth FROM mail.mailbox r WHERE r.account_id = $1 AND r.parent_id IS NULL AND " \
  "r.name = (" path                                                                                          \
  "::text[])[1] UNION ALL SELECT k.mailbox_id, w.depth + 1 FROM walk w CROSS JOIN LATERAL "                  \
  "(SELECT i.mailbox_id FROM mail.mailbox i WHERE i.account_id = $1 AND i.parent_id = w.mailbox_id AND "     \
  "i.name = (" path "::text[])[w.depth + 1] OFFSET 0) k WHERE w.depth < cardinality(" path ")) "
const db::Statement kFind{"store_mailbox_find",
                          MAILBOX_WALK("$2") "SELECT " MAILBOX_COLUMNS
                                             " FROM walk w CROSS JOIN LATERAL ("
                                             "SELECT * FROM mail.mailbox i WHERE i.account_id = $1 AND "
                                             "i.mailbox_id = w.mailbox_id OFFSET 0) m "
                                             "WHERE w.depth = cardinality($2)"};
const db::Statement kFindTop{"store_mailbox_find_top",
                             "SELECT " MAILBOX_COLUMNS
                             " FROM mail.mailbox m "
                             "WHERE m.account_id = $1 AND m.parent_id IS NULL AND m.name = $2"};
// By the index on names, whose first entry is the answer: statistics may say that all mailboxes have one
// superior.
#define HAS_INFERIORS(mailbox)                                                          \
  "(SELECT true FROM mail.mailbox f WHERE f.account_id = $1 AND f.parent_id = " mailbox \
  ".mailbox_id "                                                                        \
  "ORDER BY f.name LIMIT 1) IS NOT NULL"
// What lies below the mailboxes of the CTE `start`, level by level.
#define MAILBOX_LISTED(levels) \
  ", list AS (SELECT s.mailbox_id, 1 AS depth, " HAS_INFERIORS("s") " AS superior FROM start s "        \
  "UNION ALL SELECT c.mailbox_id, l.depth + 1, " HAS_INFERIORS("c") " FROM list l CROSS JOIN LATERAL (" \
  "SELECT i.mailbox_id FROM mail.mailbox i WHERE i.account_id = $1 AND i.parent_id = l.mailbox_id "     \
  "OFFSET 0) c WHERE l.superior AND (" levels " = 0 OR l.depth < " levels ")) SELECT " MAILBOX_COLUMNS  \
  ", l.superior FROM list l CROSS JOIN LATERAL ("                                                       \
  "SELECT * FROM mail.mailbox i WHERE i.account_id = $1 AND i.mailbox_id = l.mailbox_id OFFSET 0) m "   \
  "ORDER BY l.depth"
const db::Statement kTop{
    "store_mailbox_top",
    "WITH RECURSIVE start AS ("
    "SELECT k.mailbox_id FROM mail.mailbox k WHERE k.account_id = $1 AND k.parent_id IS NULL AND k.name >= "
    "$2 AND "
    "k.name <= $3 "
    "UNION SELECT k.mailbox_id FROM mail.mailbox k WHERE k.account_id = $1 AND k.parent_id IS NULL AND "
    "k.name = 'INBOX' AND $2 <> $3)" MAILBOX_LISTED("$4")};
const db::Statement kBelow{
    "store_mailbox_below",
    MAILBOX_WALK("$5") ", start AS (SELECT k.mailbox_id FROM walk w CROSS JOIN LATERAL ("
    "SELECT i.mailbox_id FROM mail.mailbox i WHERE i.account_id = $1 AND i.parent_id = w.mailbox_id AND "
    "i.name >= $2 AND i.name <= $3 OFFSET 0) k WHERE w.depth = cardinality($5))" MAILBOX_LISTED("$4")};
const db::Statement kGet{"store_mailbox_get",
                         "SELECT " MAILBOX_COLUMNS
                         " FROM mail.mailbox m WHERE m.account_id = $1 AND m.mailbox_id = $2"};
const db::Statement kCreate{
    "store_mailbox_create",
    "SELECT mailbox_id, uidvalidity, modseq FROM mail.mailbox_create_v1($1, $2, $3, $4, $5)"};
const db::Statement kSet{"store_mailbox_set", "SELECT mail.mailbox_set_v1($1, $2, $3, $4, $5, $6)"};
const db::Statement kRenameInbox{"store_rename_inbox",
                                 "SELECT mailbox_id, modseq FROM mail.rename_inbox_v1($1, $2, $3)"};
const db::Statement kRemove{"store_mailbox_remove", "SELECT mail.mailbox_delete_v1($1, $2, $3)"};
const db::Statement kSetRecent{"store_recent_set", "SELECT mail.recent_set_v1($1, $2, $3)"};
const AccountStatement kCountFrom{
    "store_count_from",
    "SELECT count(*) FROM mail.entry_p%p WHERE account_id = $1 AND mailbox_id = $2 AND uid >= $3"};
const db::Statement kLostSubscriptions{
    "store_lost_subscriptions",
    "SELECT path FROM mail.lost_subscription WHERE account_id = $1 ORDER BY path"};
const db::Statement kUnsubscribeLost{"store_unsubscribe_lost", "SELECT mail.unsubscribe_lost_v1($1, $2)"};
const db::Statement kKeywords{
    "store_mailbox_keywords",
    "SELECT name FROM mail.keyword WHERE account_id = $1 AND mailbox_id = $2 ORDER BY name"};

Mailbox mailbox_of(const db::Rows& rows, size_t row) {
  Mailbox box;
  box.id = rows.id<MailboxId>(row, 0);
  box.parent.value = rows.maybe_integer(row, 1).value_or(0);
  box.name = rows.text(row, 2);
  if (!rows.is_null(row, 3)) box.special_use = rows.text(row, 3);
  box.subscribed = rows.boolean(row, 4);
  box.selectable = rows.boolean(row, 5);
  box.sort_order = static_cast<int32_t>(rows.integer(row, 6));
  box.uidvalidity = static_cast<uint32_t>(rows.integer(row, 7));
  box.uidnext = static_cast<uint64_t>(rows.integer(row, 8));
  box.highestmodseq = rows.integer(row, 9);
  box.modseq = rows.integer(row, 10);
  box.created_modseq = rows.integer(row, 11);
  box.all = {rows.integer(row, 12), rows.integer(row, 13), rows.integer(row, 14)};
  box.live = {rows.integer(row, 15), rows.integer(row, 16), rows.integer(row, 17)};
  box.recent_from = static_cast<uint64_t>(rows.integer(row, 18));
  return box;
}

bool valid_path(const std::vector<std::string>& path) {
  for (const std::string& level : path)
    if (!is_utf8(level) || level.find('\0') != std::string::npos) return false;
  return !path.empty();
}

Unexpected bad_name() {
  return fail(StoreErrc::not_allowed, "mailbox name not allowed");
}

}  // namespace

const Mailbox* MailboxTree::find(MailboxId id) const {
  const auto at = std::lower_bound(mailboxes.begin(), mailboxes.end(), id,
                                   [](const Mailbox& box, MailboxId wanted) { return box.id < wanted; });
  return at != mailboxes.end() && at->id == id ? &*at : nullptr;
}

const Mailbox* MailboxTree::find(const std::vector<std::string>& path) const {
  const Mailbox* found = nullptr;
  MailboxId parent;
  for (const std::string& level : path) {
    const std::string_view name =
        !parent && iequals(level, "INBOX") ? std::string_view("INBOX") : std::string_view(level);
    const auto at = std::find_if(mailboxes.begin(), mailboxes.end(), [&](const Mailbox& box) {
      return box.parent == parent && box.name == name;
    });
    if (at == mailboxes.end()) return nullptr;
    found = &*at;
    parent = found->id;
  }
  return found;
}

std::vector<std::string> MailboxTree::path_of(MailboxId id) const {
  std::vector<std::string> path;
  for (const Mailbox* box = find(id); box != nullptr && path.size() < mailboxes.size();
       box = find(box->parent))
    path.push_back(box->name);
  std::reverse(path.begin(), path.end());
  return path;
}

Task<Result<MailboxTree>> Mailboxes::tree(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool_.exec(kTree, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "account has no mail");
  MailboxTree tree;
  tree.modseq = rows.integer(0, 19);
  tree.mailbox_modseq = rows.integer(0, 20);
  tree.email_modseq = rows.integer(0, 21);
  tree.thread_modseq = rows.integer(0, 22);
  tree.state_epoch = static_cast<int32_t>(rows.integer(0, 23));
  for (size_t row = 0; row < rows.size(); ++row)
    if (!rows.is_null(row, 0)) tree.mailboxes.push_back(mailbox_of(rows, row));
  co_return tree;
}

Task<Result<MailboxTree>> Mailboxes::tree_of(AccountId account, const std::vector<MailboxId>& mailboxes,
                                             Deadline deadline) {
  db::Params params;
  params.add(account).add_array(mailboxes);
  CO_TRY(const auto rows, co_await pool_.exec(kTreeOf, std::move(params), deadline));
  MailboxTree tree;
  for (size_t row = 0; row < rows.size(); ++row) tree.mailboxes.push_back(mailbox_of(rows, row));
  co_return tree;
}

Task<Result<Mailboxes::Moved>> Mailboxes::moved(AccountId account, int64_t since, Deadline deadline) {
  db::Params params;
  params.add(account).add(since);
  CO_TRY(const auto rows, co_await pool_.exec(kMoved, std::move(params), deadline));
  Moved moved;
  for (size_t row = 0; row < rows.size(); ++row) {
    moved.modseq = rows.integer(row, 19);
    moved.names = moved.names || rows.boolean(row, 20);
    if (!rows.is_null(row, 0)) moved.mailboxes.push_back(mailbox_of(rows, row));
  }
  co_return moved;
}

Task<Result<std::optional<Mailbox>>> Mailboxes::find(AccountId account, std::vector<std::string> path,
                                                     Deadline deadline) {
  std::optional<Mailbox> found;
  if (path.empty()) co_return found;
  if (iequals(path.front(), "INBOX")) path.front() = "INBOX";
  db::Params params;
  params.add(account);
  const bool top = path.size() == 1;
  if (top)
    params.add(path.front());
  else
    params.add_array(std::span<const std::string>(path));
  CO_TRY(const auto rows, co_await pool_.exec(top ? kFindTop : kFind, std::move(params), deadline));
  if (!rows.empty()) found = mailbox_of(rows, 0);
  co_return found;
}

namespace {

/// Mailboxes come above those below them.
std::vector<RangedMailbox> ranged(const db::Rows& rows, const std::vector<std::string>& above) {
  std::vector<RangedMailbox> list;
  std::map<MailboxId, size_t> places;
  for (size_t row = 0; row < rows.size(); ++row) {
    RangedMailbox one{mailbox_of(rows, row), above, rows.boolean(row, 19)};
    if (const auto parent = places.find(one.mailbox.parent); parent != places.end())
      one.path = list[parent->second].path;
    one.path.push_back(one.mailbox.name);
    places.emplace(one.mailbox.id, list.size());
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

Task<Result<std::vector<RangedMailbox>>> Mailboxes::in_range(AccountId account, MailboxRange range,
                                                             Deadline deadline) {
  db::Params params;
  const auto in_capitals = [](std::string& name) {
    if (iequals(name, "INBOX")) name = "INBOX";
  };
  const bool top = range.above.empty();
  if (!top) in_capitals(range.above.front());
  if (top && range.first == range.last) {
    in_capitals(range.first);
    in_capitals(range.last);
  }
  params.add(account).add(range.first).add(range.last).add_int32(static_cast<int32_t>(range.levels));
  if (!top) params.add_array(std::span<const std::string>(range.above));
  CO_TRY(const auto rows, co_await pool_.exec(top ? kTop : kBelow, std::move(params), deadline));
  co_return ranged(rows, range.above);
}

Task<Result<Mailbox>> Mailboxes::get(AccountId account, MailboxId mailbox, Deadline deadline) {
  db::Params params;
  params.add(account).add(mailbox);
  CO_TRY(const auto rows, co_await pool_.exec(kGet, std::move(params), deadline));
  if (rows.empty()) co_return fail(StoreErrc::not_found, "no such mailbox");
  co_return mailbox_of(rows, 0);
}

Task<Result<MailboxCreated>> Mailboxes::create(AccountId account, std::vector<std::string> path,
                                               std::optional<std::string> special_use, bool subscribed,
                                               Deadline deadline) {
  if (!valid_path(path)) co_return bad_name();
  const auto params = [account, path, special_use, subscribed] {
    db::Params made;
    made.add(account).add_array(std::span<const std::string>(path)).add(special_use).add(subscribed);
    made.add_int32(0);
    return made;
  };
  CO_TRY(const Settled settled, co_await write_settled(pool_, kCreate, params, deadline, StoreErrc::exists));
  const db::Rows& rows = settled.rows;
  if (!rows.empty())
    co_return MailboxCreated{
        rows.id<MailboxId>(0, 0), static_cast<uint32_t>(rows.integer(0, 1)), {account, rows.integer(0, 2)}};
  CO_TRY(const MailboxTree now, co_await tree(account, deadline));
  const Mailbox* made = now.find(path);
  if (made == nullptr) co_return fail(StoreErrc::exists, "mailbox or special use exists");
  co_return MailboxCreated{made->id, made->uidvalidity, {account, now.modseq}};
}

Task<Result<Change>> Mailboxes::update(AccountId account, MailboxId mailbox, MailboxUpdate update,
                                       Deadline deadline) {
  if (update.path && !valid_path(*update.path)) co_return bad_name();
  const auto params = [account, mailbox, update] {
    db::Params made;
    made.add(account).add(mailbox);
    if (update.path)
      made.add_array(std::span<const std::string>(*update.path));
    else
      made.add_null();
    made.add(update.special_use).add(update.subscribed);
    if (update.sort_order)
      made.add_int32(*update.sort_order);
    else
      made.add_null();
    return made;
  };
  // Properties are set, not changed: twice is once.
  CO_TRY(const Settled settled, co_await write_settled(pool_, kSet, params, deadline));
  co_return Change{account, settled.rows.integer(0, 0)};
}

Task<Result<MailboxCreated>> Mailboxes::rename_inbox(DeliveryId id, AccountId account,
                                                     std::vector<std::string> path, Deadline deadline) {
  if (!valid_path(path)) co_return bad_name();
  auto params = [id, account, path = std::move(path)] {
    db::Params made;
    made.add(id).add(account).add_array(std::span<const std::string>(path));
    return made;
  };
  CO_TRY(const auto rows, co_await write_by_id(pool_, kRenameInbox, std::move(params), deadline));
  MailboxCreated created{rows.id<MailboxId>(0, 0), 0, {account, rows.integer(0, 1)}};
  CO_TRY(const Mailbox box, co_await get(account, created.id, deadline));
  created.uidvalidity = box.uidvalidity;
  co_return created;
}

Task<Result<Change>> Mailboxes::remove(AccountId account, MailboxId mailbox, bool with_messages,
                                       Deadline deadline) {
  const auto params = [account, mailbox, with_messages] {
    db::Params made;
    made.add(account).add(mailbox).add(with_messages);
    return made;
  };
  CO_TRY(const Settled settled,
         co_await write_settled(pool_, kRemove, params, deadline, StoreErrc::not_found));
  if (!settled.rows.empty()) co_return Change{account, settled.rows.integer(0, 0)};
  CO_TRY(const MailboxTree now, co_await tree(account, deadline));
  co_return Change{account, now.modseq};
}

Task<Result<void>> Mailboxes::set_recent(AccountId account, MailboxId mailbox, uint64_t from,
                                         Deadline deadline) {
  db::Params params;
  params.add(account).add(mailbox).add(static_cast<int64_t>(from));
  CO_TRY_VOID(co_await pool_.exec(kSetRecent, std::move(params), deadline));
  co_return Result<void>{};
}

Task<Result<uint64_t>> Mailboxes::count_from(AccountId account, MailboxId mailbox, uint64_t from,
                                             Deadline deadline) {
  db::Params params;
  params.add(account).add(mailbox).add(static_cast<int64_t>(from));
  CO_TRY(const auto rows, co_await pool_.exec(kCountFrom.of(account), std::move(params), deadline));
  co_return static_cast<uint64_t>(rows.integer(0, 0));
}

Task<Result<std::vector<std::string>>> Mailboxes::lost_subscriptions(AccountId account, Deadline deadline) {
  db::Params params;
  params.add(account);
  CO_TRY(const auto rows, co_await pool_.exec(kLostSubscriptions, std::move(params), deadline));
  std::vector<std::string> paths;
  for (size_t row = 0; row < rows.size(); ++row) paths.push_back(rows.text(row, 0));
  co_return paths;
}

Task<Result<bool>> Mailboxes::unsubscribe_lost(AccountId account, std::string path, Deadline deadline) {
  db::Params params;
  params.add(account).add(path);
  CO_TRY(const auto rows, co_await pool_.exec(kUnsubscribeLost, std::move(params), deadline));
  co_return rows.boolean(0, 0);
}

Task<Result<std::vector<std::string>>> Mailboxes::keywords(AccountId account, MailboxId mailbox,
                                                           Deadline deadline) {
  db::Params params;
  params.add(account).add(mailbox);
  CO_TRY(const auto rows, co_await pool_.exec(kKeywords, std::move(params), deadline));
  std::vector<std::string> names;
  for (size_t row = 0; row < rows.size(); ++row) names.push_back(rows.text(row, 0));
  co_return names;
}

}  // namespace dromos::store
