#include "common/store/uid_set.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "common/store/codec.h"
#include "common/store/errc.h"

namespace dromos::store {

TEST_CASE("a uid set agrees with a plain set whatever the order of its ranges", "[unit][store]") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    UidSet set;
    std::set<uint32_t> model;
    for (int i = 0; i < 20; ++i) {
      const auto first = static_cast<uint32_t>(random() % 60 + 1);
      const auto last = static_cast<uint32_t>(first + random() % 5);
      set.add(first, last);
      for (uint32_t uid = first; uid <= last; ++uid) model.insert(uid);
    }
    REQUIRE(set.expand() == std::vector<uint32_t>(model.begin(), model.end()));
    REQUIRE(set.count() == model.size());
    for (uint32_t uid = 0; uid < 70; ++uid) REQUIRE(set.contains(uid) == model.contains(uid));
    REQUIRE(UidSet::parse_sql(set.to_sql()) == set);
  }
}

TEST_CASE("the largest uid survives the way to PostgreSQL and back", "[unit][store]") {
  CHECK(UidSet::all().to_sql() == "{[1,4294967296)}");
  CHECK(UidSet::parse_sql("{[1,4294967296)}") == UidSet::all());
  CHECK(UidSet::parse_sql("{}") == UidSet());
  for (const char* bad : {"", "{", "[1,2)", "{[2,1)}", "{[1,2]}", "{[1,)}", "{[1,4294967297)}", "{[1,2)x}"})
    CHECK_FALSE(UidSet::parse_sql(bad));
}

TEST_CASE("packed bytes come back, damaged ones are an error", "[unit][store]") {
  for (const std::string& text : {std::string(), std::string(300'000, 'a'), std::string("\0\xff", 2)}) {
    const std::string packed = pack(text);
    CHECK_FALSE(packed.empty());  // deliver_v1 reads an empty header as staged
    auto back = unpack(kCodecZstd, packed);
    REQUIRE(back);
    CHECK(*back == text);
    auto cut = unpack(kCodecZstd, std::string_view(packed).substr(0, packed.size() - 1));
    CHECK((!cut && cut.error().is(StoreErrc::blob_gone)));
  }
  CHECK_FALSE(unpack(9, pack("x")));
}

}  // namespace dromos::store
