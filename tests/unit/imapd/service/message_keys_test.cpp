#include "imapd/service/message_keys.h"

#include <catch2/catch.hpp>

#include "imapd/service/envelope.h"
#include "imapd/service/key_cache.h"

using namespace dromos;
using namespace dromos::imapd;

namespace {

MessageKeys keys_of(std::string_view raw, uint32_t uid = 1) {
  const std::string facts = mime::encode_facts(mime::build_facts(raw));
  const auto read = mime::read_facts_keys(facts);
  REQUIRE(read);
  CHECK(read->current);
  return message_keys(uid, *read);
}

const std::string& text(const MessageKeys& keys, KeyText which) {
  return keys.texts[static_cast<size_t>(which)];
}

std::string text(const KeyChunk& chunk, uint32_t uid, KeyText which) {
  std::string scratch;
  return std::string(chunk.find(uid)->text(which, scratch));
}

}  // namespace

TEST_CASE("Keys of a message come from its facts", "[unit][imapd]") {
  const MessageKeys keys = keys_of(
      "From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.org>, b@example.org\r\nTo: Team: x@a, y@b;\r\n"
      "Cc: carol@example.org\r\nSubject: Re: [x] Gr\xC3\xBC\xC3\x9F\x65\r\nDate: Tue, 10 Mar 2026 10:00:00 "
      "+0200\r\n"
      "Message-ID: <\"m1\"@h>\r\nIn-Reply-To: <i1@h> <i2@h>\r\nReferences: <r1@h> junk\r\n "
      "<r2@h>\r\n\r\nbody\r\n");
  CHECK(text(keys, KeyText::subject) == "GRU\xCC\x88\xC3\x9F\x45");
  CHECK(keys.reply);
  CHECK(text(keys, KeyText::from) == "JUERGEN");
  CHECK(text(keys, KeyText::display_from) == "JU\xCC\x88RGEN");
  CHECK(text(keys, KeyText::to) == "TEAM");
  CHECK(text(keys, KeyText::display_to) == "TEAM");
  CHECK(text(keys, KeyText::cc) == "CAROL");
  CHECK(text(keys, KeyText::search_from) == "jürgen <juergen@example.org>, b@example.org");
  CHECK(text(keys, KeyText::search_subject) == "re: [x] grüsse");
  CHECK(keys.sent == 1773129600);
  CHECK(keys.zone_minutes == 120);
  CHECK(keys.id == message_id_hash("m1@h"));
  CHECK(keys.references == std::vector<uint64_t>{message_id_hash("r1@h"), message_id_hash("r2@h")});
  CHECK(keys.exact);
}

TEST_CASE("Without References the first of In-Reply-To counts", "[unit][imapd]") {
  CHECK(keys_of("In-Reply-To: <a@h> <b@h>\r\n\r\n").references ==
        std::vector<uint64_t>{message_id_hash("a@h")});
  CHECK(keys_of("In-Reply-To: <your mail> <a@h>\r\n\r\n").references ==
        std::vector<uint64_t>{message_id_hash("a@h")});
  CHECK(keys_of("References: none\r\nIn-Reply-To: <a@h>\r\n\r\n").references.size() == 1);
  CHECK(keys_of("Subject: x\r\n\r\n").references.empty());
  CHECK(keys_of("Subject: x\r\n\r\n").id == 0);
}

TEST_CASE("Fields that are long or repeated are left to the extract", "[unit][imapd]") {
  CHECK_FALSE(keys_of("Subject: a\r\nSUBJECT: b\r\n\r\n").exact);
  CHECK_FALSE(keys_of("To: " + std::string(kMaxSearchedField + 1, 'x') + "\r\n\r\n").exact);
  CHECK(keys_of("Subject: a\r\nX: 1\r\nX: 2\r\n\r\n").exact);
}

TEST_CASE("Damaged facts give no keys", "[unit][imapd]") {
  const std::string facts = mime::encode_facts(mime::build_facts("Subject: x\r\nReferences: <a@b>\r\n\r\n"));
  for (size_t size = 0; size < facts.size(); ++size) (void)mime::read_facts_keys(facts.substr(0, size));
  CHECK_FALSE(mime::read_facts_keys(""));
  CHECK_FALSE(mime::read_facts_keys(facts.substr(0, 20)));
}

TEST_CASE("First addresses of an envelope", "[unit][imapd]") {
  FirstAddresses first;
  REQUIRE(
      first_addresses("(NIL {3}\r\na\"b ((\"A \\\"B\" NIL \"a\" \"h\")(NIL NIL \"c\" \"h\")) NIL NIL "
                      "((NIL NIL \"g\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)",
                      first));
  CHECK(first[0]->name == "A \"B");
  CHECK(display_value(*first[0]) == "A \"B");
  CHECK_FALSE(first[1]);
  CHECK(first[3]->mailbox == "g");
  CHECK(display_value(*first[3]) == "g");
  CHECK_FALSE(first[4]);
  FirstAddresses none;
  for (const char* bad : {"", "(", "(NIL NIL (", "(NIL NIL ((", "(NIL {9}\r\nx NIL", "(NIL \"a",
                          "(NIL {99999999999999999999}\r\n"})
    CHECK_FALSE(first_addresses(bad, none));
  EnvelopeAddress address;
  CHECK(display_value(address) == "");
  address.mailbox = "u";
  CHECK(display_value(address) == "u");
  address.host = "h";
  CHECK(display_value(address) == "u@h");
  address.name = "";
  CHECK(display_value(address) == "u@h");
  address.name = "=?utf-8?q?=C3=A9?=";
  CHECK(display_value(address) == "é");
}

TEST_CASE("A chunk gives back what went in, and grows", "[unit][imapd]") {
  std::vector<MessageKeys> rows;
  rows.push_back(keys_of("From: a@h\r\nSubject: one\r\nReferences: <x@h> <y@h>\r\n\r\n", 3));
  rows.push_back(keys_of("From: b@h\r\nDate: Tue, 10 Mar 2026 10:00:00 -0500\r\n\r\n", 7));
  const auto chunk = KeyChunk::make(rows, 9);
  CHECK(chunk->size() == 2);
  CHECK(chunk->through() == 9);
  CHECK_FALSE(chunk->find(4));
  REQUIRE(chunk->find(3));
  CHECK(text(*chunk, 3, KeyText::search_subject) == "one");
  CHECK(text(*chunk, 3, KeyText::from) == "A");
  CHECK(chunk->find(3)->references().size() == 2);
  CHECK_FALSE(chunk->find(3)->sent());
  CHECK(chunk->find(7)->references().empty());
  CHECK(chunk->find(7)->zone_minutes() == -300);
  CHECK(text(*chunk, 7, KeyText::cc).empty());
  std::vector<MessageKeys> more;
  more.push_back(keys_of("From: c@h\r\n\r\n", 12));
  const auto grown = KeyChunk::extend(chunk.get(), more, 12);
  CHECK(grown->size() == 3);
  CHECK(text(*grown, 12, KeyText::search_from) == "c@h");
  CHECK(text(*grown, 3, KeyText::subject) == "ONE");
  CHECK(grown->through() == 12);
  CHECK(chunk->size() == 2);
}

TEST_CASE("A chunk gives back each text, whatever they share", "[unit][imapd]") {
  std::vector<MessageKeys> rows;
  const char* fields[] = {
      "From: Anna <anna@h>\r\nTo: Bert <bert@h>\r\nCc: anna@h\r\nSubject: Re: Big News\r\n\r\n",
      "From: Anna <anna@h>\r\nTo: anna@h\r\nSubject: BIG NEWS\r\n\r\n",
      "From: =?utf-8?q?J=C3=BCrgen?= <j@h>\r\nSubject: =?utf-8?q?=C3=84rger?=\r\n\r\n",
      "From: \"A, B\" <a.b@h>, c@h\r\nTo: x:;\r\nSubject:\r\n\r\n",
      "Subject: [list] (fwd) a\xC4\xB1z\r\nDate: Fri, 01 Jan 1960 10:00:00 +0000\r\n\r\n",
      "From: n@h\r\nDate: Fri, 01 Jan 2200 10:00:00 +0000\r\n\r\n"};
  for (const char* raw : fields) rows.push_back(keys_of(raw, static_cast<uint32_t>(rows.size() + 1)));
  for (size_t split = 0; split <= rows.size(); ++split) {
    const std::span<const MessageKeys> all(rows);
    const auto first = KeyChunk::make(all.first(split), 9);
    const auto chunk = KeyChunk::extend(first.get(), all.subspan(split), 9);
    for (const MessageKeys& row : rows) {
      CHECK(chunk->find(row.uid)->sent() == row.sent);
      for (size_t i = 0; i < kKeyTexts; ++i)
        CHECK(text(*chunk, row.uid, static_cast<KeyText>(i)) == row.texts[i]);
    }
  }
  CHECK(rows[4].sent < 0);
  CHECK(rows[5].sent > int64_t{UINT32_MAX});
}

TEST_CASE("What repeats in a chunk is held once", "[unit][imapd]") {
  std::vector<MessageKeys> rows;
  for (uint32_t uid = 1; uid <= 1000; ++uid)
    rows.push_back(
        keys_of("From: Some Body <some.body@example.org>\r\nTo: list@example.org\r\nSubject: Re: the same "
                "long subject again\r\n\r\n",
                uid));
  CHECK(KeyChunk::make(rows, 1000)->memory() < 60 * rows.size());
}

TEST_CASE("The cache keeps to its budget and to who knows more", "[unit][imapd]") {
  std::vector<MessageKeys> rows(1);
  rows[0].uid = 1;
  const auto small = KeyChunk::make(rows, 1);
  KeyCache cache(small->memory() * 3);
  const auto key = [](uint32_t index) { return KeyCache::Key{AccountId{1}, MailboxId{2}, 3, index}; };
  Clock::set_for_test(1'000'000'000);
  for (uint32_t i = 0; i < 3; ++i) cache.put(key(i), KeyChunk::make(rows, 1));
  Clock::set_for_test(1'060'000'000);
  CHECK(cache.find(key(0)));  // used: it stays
  cache.put(key(3), KeyChunk::make(rows, 1));
  CHECK(cache.find(key(0)));
  CHECK_FALSE(cache.find(key(1)));
  CHECK(cache.memory() <= small->memory() * 3);
  cache.put(key(0), KeyChunk::make(rows, 5));
  CHECK(cache.find(key(0))->through() == 5);
  cache.put(key(0), KeyChunk::make(rows, 2));
  CHECK(cache.find(key(0))->through() == 5);
  KeyCache none(0);
  none.put(key(0), small);
  CHECK_FALSE(none.find(key(0)));
  CHECK(none.memory() == 0);
  Clock::set_for_test(0);
}

TEST_CASE("Passes over a mailbox larger than the cache find some of it there", "[unit][imapd]") {
  std::vector<MessageKeys> rows(1);
  rows[0].uid = 1;
  const size_t one = KeyChunk::make(rows, 1)->memory();
  KeyCache cache(one * 3);
  const auto pass = [&](int64_t mailbox, uint32_t chunks) {
    size_t found = 0;
    for (uint32_t i = 0; i < chunks; ++i) {
      const KeyCache::Key key{AccountId{1}, MailboxId{mailbox}, 3, i};
      if (cache.find(key))
        ++found;
      else
        cache.put(key, KeyChunk::make(rows, 1));
    }
    return found;
  };
  Clock::set_for_test(1'000'000'000);
  CHECK(pass(1, 5) == 0);
  CHECK(pass(1, 5) == 3);
  CHECK(pass(1, 5) == 3);
  // Another mailbox takes the place of what is no longer in use.
  CHECK(pass(2, 2) == 0);
  CHECK(pass(2, 2) == 0);
  Clock::set_for_test(1'060'000'000);
  CHECK(pass(2, 2) == 0);
  CHECK(pass(2, 2) == 2);
  CHECK(cache.memory() <= one * 3);
  Clock::set_for_test(0);
}
