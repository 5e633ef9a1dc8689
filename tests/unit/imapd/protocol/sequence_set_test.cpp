#include "imapd/protocol/sequence_set.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

using namespace dromos::imapd;

static std::string resolved(const char* text, uint32_t max) {
  const auto set = SequenceSet::parse(text);
  REQUIRE(set);
  return set->resolve(max).format();
}

TEST_CASE("A sequence set is sorted, joined and freed of stars", "[unit][imapd]") {
  CHECK(resolved("5", 9) == "5");
  CHECK(resolved("1:*,5,7:3", 9) == "1:9");
  CHECK(resolved("7:3,9,1", 20) == "1,3:7,9");
  CHECK(resolved("*", 12) == "12");
  CHECK(resolved("*:4", 12) == "4:12");
  CHECK(resolved("15:*", 12) == "12:15");  // RFC 9051 §9 seq-range: the order does not matter
  CHECK(resolved("1:3,4:6", 6) == "1:6");
  CHECK(resolved("4294967295,4294967294", 1) == "4294967294:4294967295");
  CHECK(resolved("*", 0).empty());
  CHECK(resolved("2:*", 0) == "2");
  CHECK(SequenceSet::parse("$")->saved_result);
}

TEST_CASE("What is no sequence set is refused", "[unit][imapd]") {
  for (const char* text : {"", "0", "1,", ",1", "1:", ":1", "1:2:3", "a", "1 2", "-1", "+1", "4294967296",
                           "$,1", "1,$", "**", "1:0", "99999999999999999999"})
    CHECK_FALSE(SequenceSet::parse(text));
}

TEST_CASE("A million ranges are taken, one more is not", "[unit][imapd]") {
  std::string text;
  for (size_t i = 0; i < kMaxSequenceRanges; ++i) text += i % 2 == 0 ? "7," : "3,";
  text.pop_back();
  const auto set = SequenceSet::parse(text);
  REQUIRE(set);
  CHECK(set->resolve(10).format() == "3,7");
  CHECK_FALSE(SequenceSet::parse(text + ",1"));
}

TEST_CASE("Number sets agree with std::set", "[unit][imapd]") {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    NumberSet a;
    NumberSet b;
    std::set<uint32_t> model_a;
    std::set<uint32_t> model_b;
    for (int i = 0; i < 12; ++i) {
      const uint32_t first = random() % 60 + 1;
      const uint32_t last = first + random() % 4;
      const bool to_a = random() % 2 == 0;
      (to_a ? a : b).add(first, last);
      for (uint32_t n = first; n <= last; ++n) (to_a ? model_a : model_b).insert(n);
    }
    std::vector<uint32_t> listed;
    a.for_each([&](uint32_t n) { listed.push_back(n); });
    REQUIRE(listed == std::vector<uint32_t>(model_a.begin(), model_a.end()));
    REQUIRE(a == NumberSet::of_sorted(listed));
    REQUIRE(a.count() == model_a.size());
    const std::vector<uint32_t> sorted_b(model_b.begin(), model_b.end());
    std::vector<uint32_t> both;
    NumberSet only_a;
    for (const uint32_t n : model_a) model_b.contains(n) ? both.push_back(n) : only_a.add(n);
    REQUIRE(a.intersect(sorted_b) == both);
    REQUIRE(a.intersect(b) == NumberSet::of_sorted(both));
    REQUIRE(a.subtract(b) == only_a);
    for (uint32_t n = 1; n < 70; ++n) REQUIRE(a.contains(n) == model_a.contains(n));
    REQUIRE((a.empty() || SequenceSet::parse(a.format())->resolve(1) == a));
  }
}

TEST_CASE("Index pairs into a uid vector are joined where they touch", "[unit][imapd]") {
  const std::vector<uint32_t> uids{2, 4, 6, 8, 10};
  using Pairs = std::vector<std::pair<size_t, size_t>>;
  CHECK(NumberSet{{1, 4}, {6, 7}, {10, 99}}.intersect_indices(uids) == Pairs{{0, 3}, {4, 5}});
  CHECK(NumberSet{{11, 12}}.intersect_indices(uids).empty());
}

TEST_CASE("Numbers are written as ranges", "[unit][imapd]") {
  std::string out;
  append_ranges(out, std::vector<uint32_t>{1, 2, 3, 5, 5, 7, 8});
  CHECK(out == "1:3,5,7:8");
  out.clear();
  append_ranges_in_order(out, std::vector<uint32_t>{3, 4, 5, 1, 2, 9, 8});
  CHECK(out == "3:5,1:2,9,8");
  out.clear();
  append_ranges(out, std::vector<uint32_t>{4294967294, 4294967295});
  CHECK(out == "4294967294:4294967295");
  NumberSet all{{1, UINT32_MAX}};
  CHECK(all.count() == UINT32_MAX);
  CHECK(all.subtract(NumberSet{{1, 1}, {UINT32_MAX, UINT32_MAX}}).format() == "2:4294967294");
}

TEST_CASE("The highest of a set", "[unit][imapd]") {
  const NumberSet set{{1, 3}, {7, 7}, {10, 14}};
  CHECK(set.highest(0).empty());
  CHECK(set.highest(1).format() == "14");
  CHECK(set.highest(5).format() == "10:14");
  CHECK(set.highest(6).format() == "7,10:14");
  CHECK(set.highest(8).format() == "2:3,7,10:14");
  CHECK(set.highest(9) == set);
  CHECK(set.highest(UINT64_MAX) == set);
  CHECK(NumberSet().highest(3).empty());
  const NumberSet all{{1, UINT32_MAX}};
  CHECK(all.highest(2).format() == "4294967294:4294967295");
  CHECK(all.highest(uint64_t{UINT32_MAX} + 1) == all);
}
