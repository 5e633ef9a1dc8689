#include "imapd/service/text_chunk.h"

#include <catch2/catch.hpp>

#include <random>

#include "common/mime/charset.h"
#include "common/mime/collation.h"
#include "common/mime/text.h"
#include "imapd/service/text_cache.h"

using namespace dromos;
using namespace dromos::imapd;

namespace {

const std::string kNul(1, '\0');

std::shared_ptr<const TextChunk> chunk_of(const std::vector<std::string>& texts) {
  TextChunk::Builder builder;
  for (size_t i = 0; i < texts.size(); ++i)
    REQUIRE(builder.add(static_cast<uint32_t>(i + 1), texts[i], true));
  return std::move(builder).finish(static_cast<uint32_t>(texts.size()));
}

/// Rows that hold the needle, as uids.
std::vector<uint32_t> found(const TextChunk& chunk, std::string_view needle, TextPart part = TextPart::all) {
  const TextNeedle cut(mime::CasemapNeedle(mime::fold_case(needle)).decomposed());
  REQUIRE(cut.usable());
  const std::vector<bool> rows = chunk.holding(cut, part);
  std::vector<uint32_t> uids;
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i]) uids.push_back(static_cast<uint32_t>(i + 1));
  return uids;
}

using Uids = std::vector<uint32_t>;

/// By the scan's rules.
Uids scanned(const std::vector<std::string>& texts, const mime::CasemapNeedle& needle, TextPart part) {
  Uids uids;
  for (size_t i = 0; i < texts.size(); ++i) {
    const mime::SearchText text = mime::split_search_text(texts[i]);
    if ((part != TextPart::body && needle.in(text.headers)) ||
        (part != TextPart::headers && needle.in(text.body)))
      uids.push_back(static_cast<uint32_t>(i + 1));
  }
  return uids;
}

void check_same(const TextChunk& chunk, const std::vector<std::string>& texts, const std::string& needle) {
  const mime::CasemapNeedle folded(mime::fold_case(needle));
  const TextNeedle cut(folded.decomposed());
  if (!cut.usable()) return;
  for (const TextPart part : {TextPart::headers, TextPart::body, TextPart::all}) {
    const Uids expected = scanned(texts, folded, part);
    if (found(chunk, needle, part) != expected) {
      CAPTURE(needle, static_cast<int>(part));
      CHECK(found(chunk, needle, part) == expected);
    }
  }
}

}  // namespace

TEST_CASE("Needles are found inside words, across words and at edges", "[unit][imapd]") {
  const auto chunk = chunk_of({"subject: quarterly report\n" + kNul + "the quarterly budget, at last",
                               "subject: x\n" + kNul + "quarterly\nbudget", "subject: budget\n" + kNul + ""});
  CHECK(found(*chunk, "arterl") == Uids{1, 2});
  CHECK(found(*chunk, "arterl", TextPart::headers) == Uids{1});
  CHECK(found(*chunk, "quarterly budget") == Uids{1});
  CHECK(found(*chunk, "ly bud") == Uids{1});
  CHECK(found(*chunk, "ly\nbud") == Uids{2});
  CHECK(found(*chunk, "e quarterly budget, a") == Uids{1});
  CHECK(found(*chunk, ", ") == Uids{1});
  CHECK(found(*chunk, " ") == Uids{1, 2, 3});
  CHECK(found(*chunk, " budget") == Uids{1, 3});
  CHECK(found(*chunk, "budget,") == Uids{1});
  CHECK(found(*chunk, "last ").empty());
  CHECK(found(*chunk, "ast") == Uids{1});
  CHECK(found(*chunk, "quarterly  budget").empty());
  CHECK(found(*chunk, "the budget").empty());
  CHECK(found(*chunk, "BUDGET", TextPart::body) == Uids{1, 2});
  // Not across the end of the header.
  CHECK(found(*chunk, "report\nthe").empty());
}

TEST_CASE("What a chunk cannot tell of is said to be so", "[unit][imapd]") {
  CHECK_FALSE(TextNeedle("").usable());
  CHECK_FALSE(TextNeedle(kNul).usable());
  CHECK_FALSE(TextNeedle("a\xff").usable());
  CHECK_FALSE(TextNeedle().usable());
  TextChunk::Builder builder;
  CHECK_FALSE(builder.add(1, "a: b\n" + kNul + "x" + kNul + "y", true));
  CHECK(builder.add(7, "a: b\n" + kNul + "x", false));
  CHECK(builder.add(3, "", true));
  const auto chunk = std::move(builder).finish(9);
  CHECK(chunk->size() == 2);
  CHECK(chunk->through() == 9);
  CHECK_FALSE(chunk->find(1));
  REQUIRE(chunk->find(7));
  CHECK_FALSE(chunk->whole(*chunk->find(7)));
  REQUIRE(chunk->find(3));
  CHECK(chunk->whole(*chunk->find(3)));
  CHECK(chunk->holding(TextNeedle("x"), TextPart::all)[*chunk->find(7)]);
  CHECK(std::move(TextChunk::Builder()).finish(1)->holding(TextNeedle("x"), TextPart::all).empty());
}

TEST_CASE("A chunk finds what the scan finds, for any substring", "[unit][imapd]") {
  std::mt19937 random(20261122);
  const auto below = [&](size_t n) { return static_cast<size_t>(random()) % n; };
  // Few characters, so that much repeats: letters, separators, what decomposes (also into separators).
  const std::vector<std::string> alphabet = {"a", "b", "b", "c", " ", " ",  "\n",     "-", ", ", "1",
                                             "é", "ﬁ", "…", "ß", "ж", "会", "\u00a0", "½", "e",  "\u0301"};
  std::vector<std::string> texts;
  for (size_t i = 0; i < 300; ++i) {
    std::string text;
    for (size_t k = 0, n = below(60); k < n; ++k) {
      if (k == 20) text += kNul;
      text += alphabet[below(alphabet.size())];
    }
    texts.push_back(mime::fold_case(text));
  }
  const auto chunk = chunk_of(texts);
  for (size_t round = 0; round < 3000; ++round) {
    std::string needle;
    if (round % 2 == 0) {
      for (size_t k = 0, n = 1 + below(6); k < n; ++k) needle += alphabet[below(alphabet.size())];
    } else {
      const std::string& text = texts[below(texts.size())];
      if (text.empty()) continue;
      const size_t at = below(text.size());
      const size_t begin = mime::utf8_prefix(text, at).size();
      needle = mime::utf8_prefix(std::string_view(text).substr(begin), 1 + below(20));
    }
    check_same(*chunk, texts, needle);
  }
}

TEST_CASE("More tokens than fit in 16 bits are found too", "[unit][imapd]") {
  std::vector<std::string> texts;
  size_t word = 0;
  for (size_t i = 0; i < 100; ++i) {
    std::string text = "n: v\n" + kNul;
    for (size_t k = 0; k < 1000; ++k) text += "w" + std::to_string(word++) + " ";
    texts.push_back(std::move(text));
  }
  const auto chunk = chunk_of(texts);
  CHECK(found(*chunk, "w99998 w99999") == Uids{100});
  CHECK(found(*chunk, "w500 ") == Uids{1});
  CHECK(found(*chunk, "98 w70999 w71000").empty());
  CHECK(found(*chunk, "98 w70999").size() == 1);
  CHECK(found(*chunk, "w99") == Uids{1, 10, 100});
}

TEST_CASE("Texts beyond a chunk's bound stay outside", "[unit][imapd]") {
  TextChunk::Builder builder;
  uint32_t taken = 0;
  for (uint32_t uid = 1; uid <= 60; ++uid)
    taken += builder.add(uid, "a: b\n" + kNul + std::string((1 << 20) + uid, 'x'), true);
  CHECK(taken > 10);
  CHECK(taken < 60);
  const auto chunk = std::move(builder).finish(60);
  CHECK(chunk->size() == taken);
  CHECK(chunk->memory() <= TextChunk::kMaxBytes * 2);
}

TEST_CASE("Texts that are in use are not pushed out, and go when nobody uses them", "[unit][imapd]") {
  Clock::set_for_test(1'000'000'000);
  const auto chunk = chunk_of({"a: b\n" + kNul + std::string(1000, 'x')});
  TextCache cache(chunk->memory() * 2);
  const auto key = [](uint32_t index) { return TextCache::Key{AccountId{1}, MailboxId{2}, 3, index}; };
  cache.put(key(0), chunk);
  CHECK(cache.has_room(chunk->memory()));
  cache.put(key(1), chunk_of({"a: b\n" + kNul + std::string(1000, 'x')}));
  CHECK_FALSE(cache.has_room(chunk->memory()));
  Clock::set_for_test(1'061'000'000);
  CHECK(cache.has_room(chunk->memory()));
  CHECK_FALSE(cache.has_room(chunk->memory() * 3));
  CHECK(cache.find(key(1)));
  cache.drop_idle(seconds(60));
  CHECK_FALSE(cache.find(key(0)));
  CHECK(cache.find(key(1)));
  Clock::set_for_test(0);
}

TEST_CASE("texts that were written anew elsewhere are dropped", "[unit][imapd]") {
  const auto chunk = chunk_of({"a: b\n" + kNul + "text"});
  TextCache cache(chunk->memory() * 4);
  const TextCache::Key one{AccountId{1}, MailboxId{2}, 3, 0};
  const TextCache::Key other{AccountId{2}, MailboxId{2}, 3, 0};
  const auto fill = [&] {
    cache.put(one, chunk);
    cache.put(other, chunk);
  };
  const auto marked = [](int64_t mark) {
    store::Reindex::News news;
    news.mark = mark;
    return news;
  };
  cache.renew(AccountId{1}, marked(0));
  fill();
  cache.renew(AccountId{1}, marked(0));
  CHECK(cache.find(one));
  for (const int64_t mark : {5, -7, 0}) {
    cache.renew(AccountId{1}, marked(mark));
    CHECK_FALSE(cache.find(one));
    CHECK(cache.find(other));
    fill();
    cache.renew(AccountId{1}, marked(mark));
    CHECK(cache.find(one));
  }
  const uint64_t begun = cache.moment();
  cache.renew(AccountId{1}, marked(9));
  cache.put(one, chunk, begun);
  CHECK_FALSE(cache.find(one));
  cache.put(one, chunk, cache.moment());
  CHECK(cache.find(one));
}

TEST_CASE("texts of messages whose attachments were read elsewhere are dropped", "[unit][imapd]") {
  const auto chunk = chunk_of({"a: b\n" + kNul + "text"});
  TextCache cache(chunk->memory() * 8);
  const auto key = [](int64_t account, uint32_t index) {
    return TextCache::Key{AccountId{account}, MailboxId{2}, 3, index};
  };
  const auto fill = [&] {
    for (const uint32_t index : {0, 1, 2}) cache.put(key(1, index), chunk);
    cache.put(key(4, 1), chunk);
  };
  fill();
  CHECK(cache.written(AccountId{1}) == 0);
  store::Reindex::News news{.mark = 0, .written = 7, .whole = false, .places = {}};
  news.places.push_back({MailboxId{2}, TextChunk::kUids + 5});
  news.places.push_back({MailboxId{9}, 1});
  cache.renew(AccountId{1}, news);
  CHECK(cache.written(AccountId{1}) == 7);
  CHECK(cache.find(key(1, 0)));
  CHECK_FALSE(cache.find(key(1, 1)));
  CHECK(cache.find(key(1, 2)));
  CHECK(cache.find(key(4, 1)));
  fill();
  // An older answer that comes late takes nothing back.
  cache.renew(AccountId{1}, {.mark = 0, .written = 6, .whole = false, .places = {}});
  CHECK(cache.written(AccountId{1}) == 7);
  CHECK(cache.find(key(1, 1)));
  cache.renew(AccountId{1}, {.mark = 0, .written = 900, .whole = true, .places = {}});
  for (const uint32_t index : {0, 1, 2}) CHECK_FALSE(cache.find(key(1, index)));
  CHECK(cache.find(key(4, 1)));
}
