#include "common/smtp/line_splitter.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace dromos;
using smtp::LineStatus;

namespace {

using Lines = std::vector<std::pair<LineStatus, std::string>>;

Lines cut(std::string_view wire, size_t chunk, size_t limit = 20) {
  smtp::LineSplitter splitter(limit);
  Lines lines;
  while (!wire.empty()) {
    const std::string piece(wire.substr(0, chunk));
    wire.remove_prefix(piece.size());
    std::string_view input = piece, line;
    while (!input.empty()) {
      const LineStatus status = splitter.next(input, line);
      if (status != LineStatus::need_more) lines.emplace_back(status, std::string(line));
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("only CRLF ends a command line; what hides behind a lone LF is one bad line", "[unit][smtp]") {
  const std::string nul("A\0B\r\n", 5);
  struct Case {
    std::string wire;
    Lines lines;
  };
  const Case cases[] = {
      {"NOOP\r\nQUIT\r\n", {{LineStatus::line, "NOOP"}, {LineStatus::line, "QUIT"}}},
      {"\r\n", {{LineStatus::line, ""}}},
      {"NOOP\nQUIT\r\nRSET\r\n", {{LineStatus::bare_lf, ""}, {LineStatus::line, "RSET"}}},
      {"NOOP\rQUIT\r\nRSET\r\n", {{LineStatus::bare_cr, ""}, {LineStatus::line, "RSET"}}},
      {"NOOP\r\r\nRSET\r\n", {{LineStatus::bare_cr, ""}, {LineStatus::line, "RSET"}}},
      {"\nRSET\r\n", {{LineStatus::bare_lf, ""}}},
      {nul + "RSET\r\n", {{LineStatus::nul, ""}, {LineStatus::line, "RSET"}}},
      {std::string(20, 'x') + "\r\n", {{LineStatus::line, std::string(20, 'x')}}},
      {std::string(21, 'x') + "\r\nRSET\r\n", {{LineStatus::too_long, ""}, {LineStatus::line, "RSET"}}},
      {"QUIT", {}},
      {"QUIT\r", {}},
      {"QUIT\n", {}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.wire);
    for (const size_t chunk : {1, 2, 3, 100}) REQUIRE(cut(c.wire, chunk) == c.lines);
  }
}

TEST_CASE("an endless line takes no memory and partial lines are known", "[unit][smtp]") {
  smtp::LineSplitter splitter(100);
  REQUIRE(splitter.empty());
  const std::string block(10000, 'x');
  std::string_view line;
  for (int i = 0; i < 100; ++i) {
    std::string_view input = block;
    REQUIRE(splitter.next(input, line) == LineStatus::need_more);
  }
  REQUIRE_FALSE(splitter.empty());
  std::string_view input = "\r\n";
  REQUIRE(splitter.next(input, line) == LineStatus::too_long);
  REQUIRE(splitter.empty());
  input = "NO";
  REQUIRE(splitter.next(input, line) == LineStatus::need_more);
  splitter.reset();
  input = "QUIT\r\n";
  REQUIRE(splitter.next(input, line) == LineStatus::line);
  REQUIRE(line == "QUIT");
}
