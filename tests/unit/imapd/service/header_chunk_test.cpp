#include "imapd/service/header_chunk.h"

#include <catch2/catch.hpp>

using namespace dromos::imapd;

namespace {

std::vector<std::pair<uint32_t, std::string>> rows_of(const HeaderChunk& chunk) {
  std::vector<std::pair<uint32_t, std::string>> rows;
  REQUIRE(chunk.each([&](const HeaderChunk::Row& row) { rows.emplace_back(row.uid, row.fields); }));
  return rows;
}

}  // namespace

TEST_CASE("a chunk of header fields gives each message its own", "[unit][imapd]") {
  const std::vector<HeaderChunk::Row> rows{{3, "Subject: a\r\n\r\n"}, {4, "\r\n"}, {9, "Subject: b\r\n\r\n"}};
  const auto chunk = HeaderChunk::make("subject", rows, 12);
  REQUIRE(chunk);
  CHECK(chunk->names() == "subject");
  CHECK(chunk->through() == 12);
  CHECK(rows_of(*chunk) == std::vector<std::pair<uint32_t, std::string>>{
                               {3, "Subject: a\r\n\r\n"}, {4, "\r\n"}, {9, "Subject: b\r\n\r\n"}});
}

TEST_CASE("a chunk of header fields may be empty, and is not made too large", "[unit][imapd]") {
  const auto none = HeaderChunk::make("subject", {}, 12);
  REQUIRE(none);
  CHECK(rows_of(*none).empty());
  const std::string long_field(HeaderChunk::kMaxBytes / 2 + 1, 'x');
  const std::vector<HeaderChunk::Row> rows{{1, long_field}, {2, long_field}};
  CHECK(HeaderChunk::make("x", std::span(rows).first(1), 2));
  CHECK_FALSE(HeaderChunk::make("x", rows, 2));
}

TEST_CASE("the same fields have the same names, others do not", "[unit][imapd]") {
  CHECK(HeaderChunk::names_of({"Subject", "FROM", "from"}) == HeaderChunk::names_of({"from", "subject"}));
  CHECK(HeaderChunk::names_of({"Subject"}) != HeaderChunk::names_of({"Subjects"}));
}
