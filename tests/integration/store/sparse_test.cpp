// A write to a few messages of a large mailbox, named by several ranges of uids, reads a few rows of it: as
// PostgreSQL counts those that the transaction has read.
#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

constexpr int kMany = 20000;
constexpr int kFew = 500;  // rows: some times those meant, and what is read beside

/// Account 1 has kMany messages in INBOX and one in each of some other mailboxes, account 2 has an empty
/// INBOX.
void fill(const Fixture& fixture) {
  const std::string many = std::to_string(kMany);
  fixture.database.query(
      "SELECT mail.mailbox_create_v1(1, ARRAY['other' || n], NULL, true, 0) FROM generate_series(1, 30) n");
  fixture.database.query(
      "CREATE TABLE public.put AS SELECT mail.uuid7() AS id, n, CASE WHEN n <= " + many +
      " THEN (SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND special_use = 'inbox') "
      "ELSE (SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND name = 'other' || n - " +
      many + ") END AS mailbox FROM generate_series(1, " + many + " + 30) n");
  fixture.database.query(
      "INSERT INTO mail.message (account_id, message_id, thread_id, received_at, created_modseq, size, "
      "facts_version, blob_hash, facts) SELECT 1, id, id, now(), 1, 100, 1, sha256(n::text::bytea), '' FROM "
      "public.put");
  fixture.database.query(
      "INSERT INTO mail.blob (account_id, hash, size, header_size, refs, chunks, codec, header, body) SELECT "
      "1, "
      "sha256(n::text::bytea), 100, 50, 1, 2, 0, 'head', 'body' FROM public.put");
  fixture.database.query(
      "INSERT INTO mail.entry (account_id, mailbox_id, uid, modseq, message_id, thread_id, received_at, "
      "size) "
      "SELECT 1, mailbox, CASE WHEN n <= " +
      many + " THEN n ELSE 1 END, 1, id, id, now(), 100 FROM public.put");
  fixture.database.query(
      "UPDATE mail.mailbox m SET uidnext = c.count + 1, all_count = c.count, all_bytes = 100 * c.count, "
      "live_count = c.count, live_bytes = 100 * c.count FROM (SELECT mailbox, count(*) FROM public.put GROUP "
      "BY 1) c WHERE m.mailbox_id = c.mailbox");
  fixture.database.query(
      "UPDATE mail.account_state SET used_messages = p.count, used_bytes = 100 * p.count FROM (SELECT "
      "count(*) "
      "FROM public.put) p WHERE account_id = 1");
  fixture.database.query("VACUUM ANALYZE mail.entry");
  fixture.database.query("VACUUM ANALYZE mail.message");
}

/// Rows of mail.entry that `sql` reads; it is rolled back.
int rows_read(const Fixture& fixture, std::string sql) {
  const std::pair<std::string, std::string> words[] = {
      {"INBOX", "(SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND special_use = 'inbox')"},
      {"OTHER", "(SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND name = 'other1')"},
      {"THEIRS", "(SELECT mailbox_id FROM mail.mailbox WHERE account_id = 2 AND special_use = 'inbox')"},
      {"UIDS", "'{[10,11),[9000,9003),[9500,9501),[19000,19001)}'::int8multirange"}};
  for (const auto& [word, meaning] : words)
    for (size_t at = sql.find(word); at != std::string::npos; at = sql.find(word, at + meaning.size()))
      sql.replace(at, word.size(), meaning);
  const std::string read = fixture.database.query("BEGIN; SET LOCAL enable_seqscan = off; " + sql +
                                                  "; SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) "
                                                  "FROM pg_stat_xact_all_tables WHERE relname LIKE "
                                                  "'entry\\_p%'");
  return std::stoi(read);
}

const char* const kWrites[] = {
    "SELECT changed FROM mail.store_flags_v2(1, INBOX, UIDS, 1, 1, '', NULL)",
    "SELECT changed FROM mail.store_flags_v2(1, INBOX, UIDS, 1, 0, '$work', NULL)",
    "SELECT changed FROM mail.store_flags_v2(1, INBOX, UIDS, 0, 3, '$work', NULL)",
    "SELECT changed FROM mail.store_flags_v2(1, INBOX, UIDS, 1, 1, '', 5)",
    "SELECT changed FROM mail.store_flags_v1(1, INBOX, UIDS, 1, 1, '', 5)",
    "SELECT changed FROM mail.store_flags_limited_v1(1, INBOX, UIDS, 2, '$work', NULL, 7, true)",
    "SELECT changed FROM mail.store_flags_own_v1(1, INBOX, 2, UIDS, 1, 2, '$work', 5, 31, true)",
    "SELECT uids FROM mail.expunge_v2(1, INBOX, UIDS, false)",
    "SELECT changed FROM mail.store_flags_v2(1, INBOX, UIDS, 1, 8, '', NULL); SELECT uids FROM "
    "mail.expunge_v2(1, "
    "INBOX, UIDS, true)",
    "SELECT modseq FROM mail.transfer_v1(mail.uuid7(), 1, INBOX, UIDS, OTHER, false)",
    "SELECT modseq FROM mail.transfer_v1(mail.uuid7(), 1, INBOX, UIDS, OTHER, true)",
    "SELECT modseq FROM mail.transfer_across_v1(mail.uuid7(), 1, INBOX, UIDS, 2, THEIRS, false, 31, true, 1)",
    "SELECT modseq FROM mail.transfer_across_v1(mail.uuid7(), 1, INBOX, UIDS, 2, THEIRS, true, 31, true, 1)",
    "SELECT count(*) FROM mail.transfer_files_v1(1, INBOX, UIDS, 2, 10)",
};

}  // namespace

TEST_CASE("a write to some messages of a large mailbox does not read all of it", "[integration][store]") {
  const Fixture fixture(2);
  fill(fixture);
  CHECK(
      rows_read(fixture, "SELECT count(flags) FROM mail.entry WHERE account_id = 1 AND mailbox_id = INBOX") >=
      kMany);  // so the measure measures
  for (const std::string write : kWrites) {
    INFO(write);
    const int read = rows_read(fixture, write);
    CHECK(read >= (write.find("files") == std::string::npos ? 6 : 0));  // that many are meant
    CHECK(read < kFew);
  }
}

}  // namespace dromos::store
