#include "common/store/word_index.h"

#include <algorithm>

#include "common/db/transaction.h"
#include "fixture.h"

namespace dromos::store {
namespace {

constexpr AccountId kOne{1};

/// Delivers messages and remembers their ids.
Task<std::vector<MessageId>> deliver(Station* station, int64_t account, int count) {
  std::vector<MessageId> ids;
  for (int i = 0; i < count; ++i) {
    Delivery delivery = delivery_to({account}, "message " + std::to_string(i));
    ids.push_back(delivery.targets[0].id);
    auto result = co_await station->deliverer.deliver(std::move(delivery), soon());
    REQUIRE(result.has_value());
  }
  std::sort(ids.begin(), ids.end());
  co_return ids;
}

WordDocument document(MessageId id, std::string subject, std::string addresses, std::string body,
                      std::string language) {
  WordDocument out;
  out.id = id;
  out.subject = std::move(subject);
  out.addresses = std::move(addresses);
  out.body = std::move(body);
  out.language = std::move(language);
  return out;
}

Task<std::vector<MessageId>> find(WordIndex* index, std::vector<WordTerm> terms) {
  auto found = co_await index->candidates(kOne, std::move(terms), soon());
  REQUIRE(found.has_value());
  std::sort(found->indexed.begin(), found->indexed.end());
  co_return found->indexed;
}

Task<void> put(WordIndex* index, std::vector<WordDocument> documents) {
  const auto done = co_await index->put(kOne, std::move(documents), soon());
  REQUIRE(done.has_value());
  CHECK(done->skipped == 0);
  CHECK(done->partition.find("word_index_p") != std::string::npos);
}

using Ids = std::vector<MessageId>;

#define FINDS(expected, ...)                                                        \
  do {                                                                              \
    const Ids finds_got = co_await find(&index, std::vector<WordTerm> __VA_ARGS__); \
    CHECK(finds_got == expected);                                                   \
  } while (false)

Task<void> languages(const Fixture* fixture) {
  Station station(*fixture);
  WordIndex index(station.pool);
  const Ids ids = co_await deliver(&station, 1, 6);
  std::vector<WordDocument> documents;
  documents.push_back(document(ids[0], "die rechnungen", "anna müller anna@example.org",
                               "wir haben die häuser gesehen und will smith getroffen", "german"));
  documents.push_back(
      document(ids[1], "running late", "bob@example.net", "the invoices were paid", "english"));
  documents.push_back(document(ids[2], "les factures", "claire", "nous continuons les travaux", "french"));
  documents.push_back(document(ids[3], "счета", "иван", "мы отправили документы вчера", "russian"));
  documents.push_back(document(ids[4], "請求書の送付", "山田太郎", "添付の請求書をご確認ください", "simple"));
  documents.push_back(document(ids[5], "", "", "", "no_such_language"));
  co_await put(&index, std::move(documents));

  FINDS(Ids{ids[0]}, {{"rechnung"}});
  FINDS(Ids{ids[0]}, {{"haus"}});
  FINDS(Ids{ids[1]}, {{"run"}});
  FINDS(Ids{ids[1]}, {{"invoice"}, {"lately"}});
  FINDS(Ids{ids[2]}, {{"facture"}});
  FINDS(Ids{ids[3]}, {{"документ"}});
  FINDS(Ids{ids[3]}, {{"документами"}});
  FINDS(Ids{ids[4]}, {{"請求書"}});
  FINDS(Ids{ids[4]}, {{"書"}});
  FINDS(Ids{}, {{"求請"}});
  // Fields.
  FINDS(Ids{ids[0]}, {{"rechnung", WordField::subject}});
  FINDS(Ids{}, {{"haus", WordField::subject}});
  FINDS(Ids{ids[0]}, {{"anna", WordField::address}});
  FINDS((Ids{ids[0], ids[1]}), {{"example", WordField::address}});
  FINDS(Ids{}, {{"anna", WordField::subject}});
  FINDS(Ids{ids[4]}, {{"請求", WordField::subject}});
  FINDS(Ids{}, {{"確認", WordField::subject}});
  FINDS(Ids{ids[4]}, {{"山田", WordField::address}});
  // Address and subject together in one term; all terms must hold.
  FINDS(Ids{ids[0]}, {{"müller rechnung"}});
  FINDS(Ids{}, {{"müller"}, {"invoice"}});
  FINDS(Ids{ids[0]}, {{"anna@example.org", WordField::address}});
  // Prefixes; a stop word counts for nothing; no words find nothing.
  FINDS(Ids{ids[1]}, {{"invo", WordField::any, true}});
  FINDS(Ids{}, {{"invo"}});
  FINDS(Ids{ids[0]}, {{"smith will"}});
  FINDS(Ids{}, {{"... --- !!!"}});
  FINDS(Ids{}, {{""}});
  // Nothing in a query is syntax.
  FINDS(Ids{}, {{"' | ! & a:* <-> (b\\'"}});

  const auto many = co_await index.candidates(kOne, std::vector<WordTerm>(WordIndex::kMaxTerms + 1), soon());
  REQUIRE_FALSE(many.has_value());
  co_await station.close();
}

Task<void> tail_and_position(const Fixture* fixture) {
  Station station(*fixture);
  WordIndex index(station.pool);
  const Ids first = co_await deliver(&station, 1, 5);
  auto tail = co_await index.tail(kOne, {}, 100, soon());
  REQUIRE(tail.has_value());
  CHECK(tail->messages == first);
  CHECK(tail->whole);
  const auto cut = co_await index.tail(kOne, {}, 2, soon());
  CHECK_FALSE(cut->whole);
  CHECK(cut->messages == Ids(first.begin(), first.begin() + 2));
  const auto rest = co_await index.tail(kOne, cut->messages.back(), 3, soon());
  CHECK(rest->whole);
  CHECK(rest->messages == Ids(first.begin() + 2, first.end()));

  // A crash between put and position: done again, nothing twice.
  std::vector<WordDocument> documents;
  for (const MessageId& id : first) documents.push_back(document(id, "eins", "", "", "german"));
  co_await put(&index, documents);
  auto pending = co_await index.pending({}, 1, 4, 10, soon());
  REQUIRE(pending->size() == 1);
  CHECK(pending->front().account == kOne);
  co_await put(&index, documents);
  const auto empty = co_await index.tail(kOne, {}, 100, soon());
  CHECK(empty->messages.empty());
  const auto set = co_await index.set_position(kOne, empty->modseq, soon());
  CHECK(set.has_value());
  CHECK(fixture->database.query("SELECT count(*) FROM mail.word_index") == "5");
  pending = co_await index.pending({}, 1, 4, 10, soon());
  CHECK(pending->empty());

  // What comes later is found through the changelog, and a position never goes back.
  const Ids later = co_await deliver(&station, 1, 3);
  pending = co_await index.pending({}, 1, 4, 10, soon());
  CHECK(pending->size() == 1);
  pending = co_await index.pending({}, 3, 4, 10, soon());
  CHECK(pending->empty());
  const auto lowered = co_await index.set_position(kOne, 1, soon());
  CHECK(lowered.has_value());
  tail = co_await index.tail(kOne, {}, 100, soon());
  CHECK(tail->messages == later);
  auto found = co_await index.candidates(kOne, {{"eins"}}, soon());
  CHECK(found->indexed.size() == 5);
  CHECK(found->tail == later);

  // A changelog that no longer reaches back: all messages are compared.
  fixture->database.query("TRUNCATE mail.changelog");
  fixture->database.query("UPDATE mail.account_state SET changelog_floor = modseq WHERE account_id = 1");
  tail = co_await index.tail(kOne, {}, 100, soon());
  CHECK(tail->messages == later);

  const auto reset = co_await index.reset(kOne, soon());
  CHECK(reset.has_value());
  tail = co_await index.tail(kOne, {}, 100, soon());
  CHECK(tail->messages.size() == 8);
  const auto nobody = co_await index.tail({77}, {}, 100, soon());
  CHECK(nobody->messages.empty());
  co_await station.close();
}

Task<void> deletions(const Fixture* fixture) {
  Station station(*fixture);
  WordIndex index(station.pool);
  const Ids ids = co_await deliver(&station, 1, 3);
  std::vector<WordDocument> documents;
  for (const MessageId& id : ids) documents.push_back(document(id, "word", "", "", "english"));
  co_await put(&index, documents);
  const auto& database = fixture->database;
  database.query("DELETE FROM mail.entry WHERE message_id = '" + ids[0].value.to_string() + "'");
  database.query("SELECT mail.drop_messages(1, ARRAY['" + ids[0].value.to_string() + "'::uuid])");
  CHECK(database.query("SELECT count(*) FROM mail.word_index") == "2");
  // Put after the message has gone: no row without a message.
  co_await put(&index, documents);
  CHECK(database.query("SELECT count(*) FROM mail.word_index") == "2");
  FINDS((Ids{ids[1], ids[2]}), {{"words"}});
  CHECK(database.query(
            "SELECT bool_and(mail.account_purge_v1(1, 1000) IS NOT NULL) FROM generate_series(1, 10)") ==
        "t");
  CHECK(database.query(
            "SELECT (SELECT count(*) FROM mail.word_index) + (SELECT count(*) FROM mail.word_state)") == "0");
  co_await station.close();
}

Task<void> locked(const Fixture* fixture) {
  Station station(*fixture);
  WordIndex index(station.pool);
  const Ids ids = co_await deliver(&station, 1, 2);
  auto lease = co_await station.pool.acquire(soon());
  REQUIRE(lease.has_value());
  auto transaction = co_await db::Transaction::begin(**lease, soon());
  REQUIRE(transaction.has_value());
  const db::Statement lock{"test_lock", "SELECT FROM mail.message WHERE message_id = $1 FOR UPDATE"};
  db::Params params;
  params.add(ids[0]);
  const auto held = co_await transaction->exec(lock, std::move(params), soon());
  REQUIRE(held.has_value());
  std::vector<WordDocument> documents;
  for (const MessageId& id : ids) documents.push_back(document(id, "word", "", "", "english"));
  const auto done = co_await index.put(kOne, documents, soon());
  REQUIRE(done.has_value());
  CHECK(done->skipped == 1);
  CHECK(fixture->database.query("SELECT count(*) FROM mail.word_index") == "1");
  const auto back = co_await transaction->rollback(soon());
  CHECK(back.has_value());
  lease = Unexpected(timeout_error("given back"));
  co_await put(&index, documents);
  CHECK(fixture->database.query("SELECT count(*) FROM mail.word_index") == "2");
  co_await station.close();
}

Task<void> poison(const Fixture* fixture) {
  Station station(*fixture);
  WordIndex index(station.pool);
  const Ids ids = co_await deliver(&station, 1, 4);
  // More distinct lexemes than a tsvector holds, and whatever else mail brings.
  std::string huge;
  for (int i = 0; huge.size() < 4 * WordIndex::kMaxBody; ++i) huge += std::to_string(i * 7919) + " ";
  std::string cjk;
  for (int a = 0; cjk.size() < 4 * WordIndex::kMaxBody; ++a) {
    cjk += {static_cast<char>(0xE4 + a % 5), static_cast<char>(0x80 + a * 7 % 64),
            static_cast<char>(0x80 + a * 13 % 64)};
  }
  std::vector<WordDocument> documents;
  documents.push_back(document(ids[0], huge, huge, huge, "english"));
  documents.push_back(document(ids[1], cjk, cjk, cjk, "simple"));
  documents.push_back(document(ids[2], std::string("a\0b\xff\xfe", 5), "\xc3",
                               std::string(70'000, 'x') + " needle", "german"));
  documents.push_back(document(ids[3], "good", "", "", "english"));
  co_await put(&index, documents);
  CHECK(fixture->database.query("SELECT count(*) FROM mail.word_index") == "4");
  FINDS(Ids{ids[3]}, {{"good"}});
  FINDS(Ids{ids[2]}, {{"needle"}});
  FINDS(Ids{ids[0]}, {{"15838"}});
  co_await station.close();
}

Task<void> matches(const Fixture* fixture) {
  Station station(*fixture);
  WordIndex index(station.pool);
  std::vector<WordDocument> documents;
  const Ids ids = {MessageId::make(), MessageId::make(), MessageId::make()};
  documents.push_back(document(ids[0], "die rechnungen", "anna", "", "german"));
  documents.push_back(document(ids[1], "invoices", "bob", "請求書", "english"));
  documents.push_back(document(ids[2], "", "", "", "simple"));
  const std::pair<WordTerm, Ids> cases[] = {
      {{"rechnung"}, {ids[0]}},          {{"invoice"}, {ids[1]}}, {{"請求"}, {ids[1]}},
      {{"bob", WordField::subject}, {}}, {{"the"}, {}},           {{"!"}, {}}};
  for (const auto& [term, expected] : cases) {
    const auto found = co_await index.match(kOne, {term}, documents, soon());
    REQUIRE(found.has_value());
    CHECK(*found == expected);
  }
  co_await station.close();
}

Task<void> rights(const Fixture* fixture) {
  for (const std::string role :
       {"dromos_mta", "dromos_spamd", "dromos_admind", "dromos_jmapd", "dromos_imapd"}) {
    Station station(*fixture, role);
    WordIndex index(station.pool);
    const auto put = co_await index.put(kOne, {}, soon());
    CHECK(put.has_value() == (role == "dromos_imapd"));
    const auto pending = co_await index.pending({}, 0, 1, 10, soon());
    CHECK(pending.has_value() == (role == "dromos_imapd"));
    const auto clean = co_await index.clean("mail.word_index_p0", soon());
    CHECK(clean.has_value() == (role == "dromos_imapd"));
    const auto candidates = co_await index.candidates(kOne, {{"word"}}, soon());
    CHECK(candidates.has_value() == (role == "dromos_imapd" || role == "dromos_jmapd"));
    const db::Statement read{"test_read_words", "SELECT count(*) FROM mail.word_index"};
    const auto rows = co_await station.pool.exec(read, {}, soon());
    CHECK_FALSE(rows.has_value());
    co_await station.close();
  }
}

}  // namespace

TEST_CASE("Words are found by their stems in several languages, CJK by its characters",
          "[integration][store]") {
  const Fixture fixture(1);
  run_blocking(languages(&fixture));
}

TEST_CASE("The tail is what the index lacks, and putting twice is putting once", "[integration][store]") {
  const Fixture fixture(2);
  run_blocking(tail_and_position(&fixture));
}

TEST_CASE("Words go with their message, and none come for a message that is gone", "[integration][store]") {
  const Fixture fixture(1);
  run_blocking(deletions(&fixture));
}

TEST_CASE("A message held by a deletion is skipped without waiting and counted", "[integration][store]") {
  const Fixture fixture(1);
  run_blocking(locked(&fixture));
}

TEST_CASE("Oversized and broken documents do not stop the others", "[integration][store]") {
  const Fixture fixture(1);
  run_blocking(poison(&fixture));
}

TEST_CASE("Documents outside the index match by the same rules", "[integration][store]") {
  const Fixture fixture(1);
  run_blocking(matches(&fixture));
}

TEST_CASE("Only imapd writes the word index, and only it and jmapd search", "[integration][store]") {
  const Fixture fixture(1);
  run_blocking(rights(&fixture));
}

}  // namespace dromos::store
