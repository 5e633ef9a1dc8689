// A delivery of one message takes statements of its own (0113): what it leaves behind and what it answers is
// what a batch does.
#include "common/store/append.h"
#include "common/store/errc.h"
#include "common/store/group_commit.h"
#include "tests/integration/store/fixture.h"

using namespace dromos;
using namespace dromos::store;

namespace {

std::vector<AppendMessage> one(const std::string& text, FlagSet flags = {}, std::vector<int64_t> keys = {}) {
  std::vector<AppendMessage> list;
  list.push_back({message_of(text), std::move(flags)});
  list.back().message.thread_keys = std::move(keys);
  return list;
}

/// Account 1 gets each message alone, account 2 all of them in one call.
Task<void> alone_and_together(Fixture* fixture) {
  Station imapd(*fixture, "dromos_imapd");
  FlagSet seen, deleted, words;
  seen.flags = kSeen;
  deleted.flags = kSeen | kDeleted;
  words.keywords = {"$Work", "alpha"};
  const std::vector<std::pair<FlagSet, std::vector<int64_t>>> mail{
      {{}, {}}, {seen, {7}}, {deleted, {7, 8}}, {words, {9, 8, 10}}, {{}, {11}}};
  std::vector<AppendMessage> all;
  for (size_t i = 0; i < mail.size(); ++i) {
    const auto [flags, keys] = mail[i];
    auto alone = co_await append_at(imapd.deliverer, DeliveryId::make(), {1}, {"inbox"},
                                    one("m" + std::to_string(i), flags, keys), soon());
    REQUIRE(alone);
    CHECK(alone->uids == std::vector<uint32_t>{static_cast<uint32_t>(i + 1)});
    all.push_back(std::move(one("m" + std::to_string(i), flags, keys).front()));
  }
  auto together =
      co_await append_at(imapd.deliverer, DeliveryId::make(), {2}, {"INBOX"}, std::move(all), soon());
  REQUIRE(together);
  CHECK(together->uids.size() == mail.size());
  co_await imapd.close();
  Station owner(*fixture);
  CHECK(co_await problems(&owner.pool) == 0);
  co_await owner.close();
}

Task<void> places(Fixture* fixture) {
  Station imapd(*fixture, "dromos_imapd");
  const auto put = [&](std::vector<std::string> path) {
    return append_at(imapd.deliverer, DeliveryId::make(), {1}, std::move(path), one("x"), soon());
  };
  const std::string odd = R"(a "quoted" \ {brace}, comma NULL)";
  fixture->database.query("SELECT mail.mailbox_create_v1(1, ARRAY['INBOX', $p$" + odd +
                          "$p$, 'NULL'], NULL, false, 0)");
  auto deep = co_await put({"inbox", odd, "NULL"});
  REQUIRE(deep);
  CHECK(std::to_string(deep->mailbox.value) ==
        fixture->database.query("SELECT mailbox_id FROM mail.mailbox WHERE name = 'NULL'"));
  auto between = co_await put({"INBOX", odd});
  CHECK(
      between.has_value() ==
      (fixture->database.query("SELECT selectable FROM mail.mailbox WHERE name = $p$" + odd + "$p$") == "t"));
  for (const std::vector<std::string>& nowhere : {std::vector<std::string>{},
                                                  {""},
                                                  {"none"},
                                                  {"NULL"},
                                                  {"INBOX", "NULL"},
                                                  {"INBOX", odd, "NULL", "x"}}) {
    auto missing = co_await put(nowhere);
    CHECK((!missing && missing.error().is(StoreErrc::not_found)));
  }
  auto nobody = co_await append_at(imapd.deliverer, DeliveryId::make(), {99}, {"INBOX"}, one("x"), soon());
  CHECK((!nobody && nobody.error().is(StoreErrc::not_found)));
  fixture->database.query("SELECT mail.account_quota_v1(1, 10, NULL, NULL)");
  auto full = co_await put({"INBOX"});
  CHECK((!full && full.error().is(StoreErrc::over_quota)));
  co_await imapd.close();
}

/// Several calls in one batch of the group commit, by path.
Task<void> batch(Fixture* fixture) {
  Station imapd(*fixture, "dromos_imapd");
  TaskGroup group;
  int stored = 0, missing = 0;
  const auto put = [](Station* station, int64_t account, std::string name, int* done,
                      int* none) -> Task<void> {
    auto result = co_await append_at(station->deliverer, DeliveryId::make(), {account}, {std::move(name)},
                                     one("x"), soon());
    if (result) ++*done;
    if (!result && result.error().is(StoreErrc::not_found)) ++*none;
  };
  for (int64_t account = 1; account <= 8; ++account) {
    group.spawn(put(&imapd, account, "INBOX", &stored, &missing));
    group.spawn(put(&imapd, account, "none", &stored, &missing));
  }
  co_await group.join();
  CHECK(stored == 8);
  CHECK(missing == 8);
  co_await imapd.close();
}

}  // namespace

TEST_CASE("messages that come one by one and together leave the same behind", "[integration][store]") {
  Fixture fixture(2);
  run_blocking(alone_and_together(&fixture));
  const auto same = [&](const std::string& columns, const std::string& table) {
    const auto of = [&](const std::string& account) {
      return fixture.database.query("SELECT string_agg(r::text, ';' ORDER BY r::text) FROM (SELECT " +
                                    columns + " FROM mail." + table + " t WHERE account_id = " + account +
                                    ") r");
    };
    CAPTURE(table);
    CHECK(of("1") == of("2"));
    CHECK_FALSE(of("1").empty());
  };
  same("uid, size, flags, keywords, received_at", "entry");
  same("size, facts_version, blob_hash, thread_keys, facts, received_at", "message");
  same("hash, size, header_size, refs, chunks, codec, header, body", "blob");
  same("codec, truncated, data", "text_extract");
  same("name", "keyword");
  same("used_bytes, used_messages", "account_state");
  same("uidnext, all_count, all_seen, all_bytes, live_count, live_seen, live_bytes", "mailbox");
  // Who is in a thread with whom.
  same(
      "uid, (SELECT min(o.uid) FROM mail.entry o WHERE o.account_id = t.account_id AND o.thread_id = "
      "t.thread_id)",
      "entry");
}

TEST_CASE("APPEND finds its mailbox by the names that lead to it", "[integration][store]") {
  Fixture fixture(1);
  run_blocking(places(&fixture));
}

TEST_CASE("calls by path share a batch", "[integration][store]") {
  Fixture fixture(8);
  run_blocking(batch(&fixture));
}
