// STORE by runs of flags against STORE to each entry: the same commands at random in two databases, of which
// one makes a run of everything and the other of nothing, give the same mailboxes.
#include <random>

#include "tests/integration/store/fixture.h"

namespace dromos::store {
namespace {

constexpr int kMessages = 40;
constexpr int kSteps = 250;

/// Account 1 with messages in INBOX and Archive.
class Side {
 public:
  explicit Side(const std::string& least) : fixture_(2) {
    query(
        "CREATE OR REPLACE FUNCTION mail.flag_run_least() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT " +
        least + "::bigint'");
    run_blocking(fill());
  }

  std::string query(std::string sql) const {
    const std::pair<std::string, std::string> words[] = {{"INBOX", "inbox"}, {"ARCHIVE", "archive"}};
    for (const auto& [word, role] : words)
      for (size_t at = sql.find(word); at != std::string::npos; at = sql.find(word))
        sql.replace(
            at, word.size(),
            "(SELECT mailbox_id FROM mail.mailbox WHERE account_id = 1 AND special_use = '" + role + "')");
    return fixture_.database.query(sql);
  }

  /// All that clients and the counters see, but for ids.
  std::string state() const {
    return query(
               "SELECT string_agg(concat_ws(' ', m.special_use, e.uid, e.modseq, e.flags, e.keywords), E'\n' "
               "ORDER BY "
               "m.special_use, e.uid) FROM mail.entry_now e JOIN mail.mailbox m USING (account_id, "
               "mailbox_id)") +
           query(
               "SELECT string_agg(concat_ws(' ', special_use, highestmodseq, all_count, all_seen, all_bytes, "
               "live_count, "
               "live_seen, live_bytes), E'\n' ORDER BY special_use) FROM mail.mailbox WHERE account_id = 1") +
           query(
               "SELECT string_agg(concat_ws(' ', c.modseq, m.special_use, c.kind, c.uids, "
               "cardinality(c.message_ids)), E'\n' "
               "ORDER BY c.modseq, m.special_use, c.kind) FROM mail.changelog c JOIN mail.mailbox m USING "
               "(account_id, "
               "mailbox_id) WHERE c.kind <= 3");
  }
  int64_t modseq() const {
    return std::stoll(query("SELECT modseq FROM mail.account_state WHERE account_id = 1"));
  }
  std::string problems() const {
    return query("SELECT coalesce(string_agg(c::text, E'\n'), '') FROM mail.check_account_v1(1) c");
  }
  std::string runs() const { return query("SELECT count(*) FROM mail.flag_run"); }

 private:
  Task<void> fill() {
    Station station(fixture_);
    for (int n = 0; n < kMessages; ++n)
      REQUIRE(co_await station.deliverer.deliver(delivery_to({1}, std::to_string(n)), soon()));
    co_await station.close();
    query("SELECT mail.transfer_v1(mail.uuid7(), 1, INBOX, '{[1,11)}', ARCHIVE, false)");
  }

  Fixture fixture_;
};

/// Commands at random; uids go up to `top` and somewhat beyond.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  std::string command(int64_t modseq, int top);

 private:
  std::string box() { return below(3) == 0 ? "ARCHIVE" : "INBOX"; }
  std::string uids(int top) {
    std::string set = "'{";
    const int ranges = below(2) == 0 ? 1 : 1 + below(3);
    for (int n = 0; n < ranges; ++n) {
      const int first = ranges == 1 && below(2) == 0 ? 1 : 1 + below(top + 10);
      const int length = below(2) == 0 ? 2 * top : 1 + below(top);
      set += (n == 0 ? "[" : ",[") + std::to_string(first) + "," + std::to_string(first + length) + ")";
    }
    return set + "}'::int8multirange";
  }
  std::string flags() { return std::to_string(below(3) != 0 ? 1 << below(5) : below(32)); }
  std::string words() { return below(10) == 0 ? "'$one'" : below(10) == 0 ? "'$one two'" : "''"; }

  std::mt19937 random_;
  std::string where_;  // often once more, so that runs meet
};

std::string Dice::command(int64_t modseq, int top) {
  const std::string since = below(10) == 0 ? std::to_string(modseq - below(4)) : "NULL";
  if (where_.empty() || below(3) == 0) where_ = box() + ", " + uids(top);
  const int first = 1 + below(top);
  const std::string some = "'{[" + std::to_string(first) + "," + std::to_string(first + 4) + ")}'";
  const std::string last = "'{[" + std::to_string(top - 16) + ",100000)}'";
  switch (below(24)) {
    case 0:
    case 1:
    case 7:
      return "SELECT uids FROM mail.expunge_v2(1, " + box() + ", " + some + ", " +
             (below(2) == 0 ? "true" : "false") + ")";
    case 2:
      return "SELECT modseq, source_uids FROM mail.transfer_v1(mail.uuid7(), 1, INBOX, " + last +
             ", ARCHIVE, false)";
    case 3:
      return "SELECT modseq, source_uids FROM mail.transfer_v1(mail.uuid7(), 1, ARCHIVE, '{[1,100000)}', "
             "INBOX, "
             "true)";
    case 4:
      return "SELECT mail.email_set_v1(1, message_id, NULL, " + flags() + ", " + words() +
             ", NULL) FROM (SELECT message_id FROM mail.entry WHERE account_id = 1 AND mailbox_id = INBOX "
             "ORDER BY uid OFFSET " +
             std::to_string(below(5)) + " LIMIT 1) e";
    case 5:
      return "SELECT changed, failed FROM mail.store_flags_limited_v1(1, " + where_ + ", " + flags() + ", " +
             words() + ", " + since + ", 23, true)";
    case 6:
      return "SELECT changed FROM mail.store_flags_own_v1(1, " + box() + ", 2, " + uids(top) + ", " +
             std::to_string(below(3)) + ", " + flags() + ", " + words() + ", NULL, 31, true)";
    default:
      return "SELECT modseq, changed, failed, before FROM mail.store_flags_v3(1, " + where_ + ", " +
             std::to_string(below(10) == 0 ? 0 : 1 + below(2)) + ", " + flags() + ", " + words() + ", " +
             since + ")";
  }
}

}  // namespace

TEST_CASE("runs of flags are what STORE to each entry is", "[integration][store]") {
  const Side plain("1000000000"), runs("1");
  Dice dice(20261123);
  int runs_seen = 0;
  for (int step = 0; step < kSteps; ++step) {
    const int top = std::stoi(plain.query("SELECT uidnext FROM mail.mailbox WHERE mailbox_id = INBOX"));
    const std::string sql = dice.command(plain.modseq(), top);
    INFO("step " << step << ": " << sql);
    CHECK(runs.query(sql) == plain.query(sql));
    REQUIRE(runs.state() == plain.state());
    if (step % 10 == 0) REQUIRE(runs.problems().empty());
    if (dice.below(6) == 0) {
      runs.query("SELECT mail.fold_flags_v1(account_id, mailbox_id, 1 + " + std::to_string(dice.below(9)) +
                 ") FROM mail.flag_runs_v1(10)");
      REQUIRE(runs.state() == plain.state());
    }
    if (runs.runs() != "0") ++runs_seen;
  }
  CHECK(runs_seen > kSteps / 3);
  CHECK(plain.runs() == "0");
  CHECK(std::stoi(plain.query("SELECT sum(all_count) FROM mail.mailbox")) >
        kMessages);  // not of empty mailboxes
  runs.query("SELECT mail.fold_flags_v1(account_id, mailbox_id, 1000) FROM mail.flag_runs_v1(10)");
  CHECK(runs.runs() == "0");
  CHECK(runs.state() == plain.state());
}

}  // namespace dromos::store
