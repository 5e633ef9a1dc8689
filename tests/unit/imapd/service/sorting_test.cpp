#include "imapd/service/sorting.h"

#include <catch2/catch.hpp>

using namespace dromos::imapd;

namespace {
using Kind = SortKey::Kind;
using Rows = std::vector<uint32_t>;
}  // namespace

TEST_CASE("Equal rows keep their order, reversed or not", "[unit][imapd]") {
  for (const bool reverse : {false, true}) {
    SortTable table({{Kind::size, reverse}, {Kind::subject, reverse}}, 4);
    for (size_t row = 0; row < 4; ++row) {
      table.set_number(0, row, 5);
      table.set_text(1, row, "SAME SUBJECT");
    }
    CHECK(table.order() == Rows{0, 1, 2, 3});
  }
  CHECK(SortTable({{Kind::size, false}}, 0).order().empty());
}

TEST_CASE("Numbers sort as numbers, below zero too", "[unit][imapd]") {
  for (const bool reverse : {false, true}) {
    SortTable table({{Kind::date, reverse}}, 4);
    const int64_t values[] = {7, -3, INT64_MAX, INT64_MIN};
    for (size_t row = 0; row < 4; ++row) table.set_number(0, row, values[row]);
    CHECK(table.order() == (reverse ? Rows{2, 0, 1, 3} : Rows{3, 1, 0, 2}));
  }
}

TEST_CASE("Texts sort as octets, the empty first", "[unit][imapd]") {
  const std::string_view values[] = {
      "ABCDEFGHIJ", "ABCDEFGH", "", "ABCDEFGHI", "\xC3\xA9", "B", std::string_view("\0", 1)};
  SortTable up({{Kind::subject, false}}, 7);
  SortTable down({{Kind::subject, true}}, 7);
  for (size_t row = 0; row < 7; ++row) {
    up.set_text(0, row, values[row]);
    down.set_text(0, row, values[row]);
  }
  CHECK(up.order() == Rows{2, 6, 1, 3, 0, 5, 4});
  CHECK(down.order() == Rows{4, 5, 0, 3, 1, 6, 2});
}

TEST_CASE("A row whose text was never set sorts as empty", "[unit][imapd]") {
  SortTable up({{Kind::from, false}}, 2);
  up.set_text(0, 0, "A");
  CHECK(up.order() == Rows{1, 0});
  SortTable down({{Kind::from, true}}, 2);
  down.set_text(0, 1, "A");
  CHECK(down.order() == Rows{1, 0});
}

TEST_CASE("The second key decides where the first is equal", "[unit][imapd]") {
  SortTable table({{Kind::subject, false}, {Kind::date, true}}, 4);
  const std::string_view subjects[] = {"B", "A", "A", "B"};
  for (size_t row = 0; row < 4; ++row) {
    table.set_text(0, row, subjects[row]);
    table.set_number(1, row, static_cast<int64_t>(row));
  }
  CHECK(table.order() == Rows{2, 1, 3, 0});
}
